/** The calls of the operator's API that are about contracts. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type CheckContractsResponseSchema,
  type Operator,
  RegisteredContractSchema,
  type RetireContractRequest,
  type RetireContractResponseSchema,
} from '../../gen/relink/v1/operator_pb.ts';
import { MigrationError } from '../../migration/errors.ts';
import { RpcError } from '../../rpc/errors.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { readPage } from '../../rpc/paging.ts';
import { findUnread } from './carried.ts';
import { findPairs } from './pairs.ts';
import type { Registrar } from './registrar.ts';
import type { ContractRegistry } from './registry.ts';
import { findUses, type RetireSources } from './retiring.ts';

type ContractCalls = 'listContracts' | 'checkContracts' | 'retireContract';

const PAGE = 100;

export interface ContractSources extends RetireSources {
  readonly registry: ContractRegistry;
  readonly registrar: Registrar;
}

export function contractHandlers(
  sources: ContractSources,
): Pick<Handlers<typeof Operator>, ContractCalls> {
  const { registry, registrar } = sources;
  return {
    listContracts: async ({ link, limit, afterId }) => {
      if (afterId === 0n) await registrar.look();
      const { entries, next } = await readPage({
        after: afterId,
        limit: limit || PAGE,
        read: (page) => registry.list({ link, ...page }),
        keyOf: ({ id }) => id,
        entry: RegisteredContractSchema,
        toWire: ({ uses, ...contract }) => ({
          ...contract,
          uses: uses.map(({ instances, ...use }) => ({ ...use, instances: [...instances] })),
        }),
      });
      return { contracts: entries, nextId: next ?? 0n };
    },
    checkContracts: ({ link }) => check(sources, link),
    retireContract: (request) => retire(sources, request),
  };
}

async function check(
  { registrar, participants }: ContractSources,
  link: string,
): Promise<MessageInitShape<typeof CheckContractsResponseSchema>> {
  const look = await registrar.look();
  const sightings = look.sightings.filter((one) => link === '' || one.link === link);
  if (link !== '' && sightings.length === 0)
    throw new MigrationError('LINK_UNKNOWN', `no service that answers has a link ${link}`);
  const unread = await findUnread(participants, look.sightings, link);
  const alarms = registrar.alarms
    .filter((alarm) => link === '' || alarm.link === link)
    .map((alarm) => `${alarm.link}: ${alarm.text}`)
    .concat(unread);
  const pairs = findPairs(sightings).map(({ problems, ...pair }) => ({
    ...pair,
    compatible: problems.length === 0,
    problems: problems.map((problem) => ({ ...problem })),
  }));
  return {
    compatible: alarms.length === 0 && pairs.every(({ compatible }) => compatible),
    pairs,
    alarms,
    unanswered: [...look.silent],
  };
}

async function retire(
  sources: ContractSources,
  { event, version, reason, actor }: RetireContractRequest,
): Promise<MessageInitShape<typeof RetireContractResponseSchema>> {
  const { registrar, registry } = sources;
  const look = await registrar.look();
  const links = await registry.linksOf(event, version);
  if (links.length === 0)
    throw new RpcError(
      'NOT_FOUND',
      'CONTRACT_UNKNOWN',
      `no process ever said that it writes or reads ${event} v${version}`,
    );
  const findings = await findUses(sources, { event, version }, { look, links });
  const isRetired = findings.every(({ standsAgainst }) => !standsAgainst);
  const evidence = findings.map((finding) => ({ ...finding }));
  const kept = isRetired
    ? await registry.retire({ event, version, reason, actor, evidence })
    : undefined;
  return {
    retired: isRetired,
    findings: evidence,
    retiredBy: kept?.by ?? '',
    retiredAt: kept?.at ?? '',
  };
}
