/**
 * How this service describes itself: its links on both sides, their contracts, and the versions of
 * its servers.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type DescribeResponseSchema,
  type LinkDescriptionSchema,
  LinkKind,
} from '../../gen/relink/v1/participant_pb.ts';
import type { Contract } from '../contracts/contract.ts';
import type { LinkDefinition } from '../link.ts';
import { acceptsContract, methodName } from '../transport/grpc/pushMethod.ts';
import { readListening } from '../transport/jetStream/listening.ts';
import { NEEDED_PAYLOAD } from '../transport/jetStream/send.ts';
import { allContracts, contractAt, readsOf, writesOf } from '../versions.ts';
import type { ParticipantOptions } from './context.ts';
import { transportToWire } from './encoding.ts';

type Description = MessageInitShape<typeof LinkDescriptionSchema>;

export async function describe(
  options: ParticipantOptions,
): Promise<MessageInitShape<typeof DescribeResponseSchema>> {
  const { service, instance, sql, nats, produced, consumed, streams } = options;
  const [server] = await sql<{ version: string }[]>`
    select current_setting('server_version') as version`;
  const listening = await readListening(sql);
  return {
    service,
    instance,
    postgresVersion: server!.version,
    natsVersion: nats.info?.version ?? '',
    natsMaxPayload: BigInt(nats.info?.max_payload ?? 0),
    neededPayload: BigInt(NEEDED_PAYLOAD),
    horizonDays: options.horizonDays,
    historyDays: options.historyDays,
    produces: produced.map((link) => describeLink(link, () => true)),
    consumes: consumed.map((link) => ({
      ...describeLink(link, (contract) => acceptsContract(link.consumers[service]!.push, contract)),
      listening: listening.get(link.id) ?? false,
      bound: streams.get(link.id)?.isBound ?? false,
      bindProblem: streams.get(link.id)?.problem ?? '',
    })),
  };
}

function describeLink(
  link: LinkDefinition,
  isCarried: (contract: Contract) => boolean,
): Description {
  return {
    id: link.id,
    kind: link.kind === 'formal' ? LinkKind.FORMAL : LinkKind.FUNCTIONAL,
    producer: link.producer,
    consumers: Object.keys(link.consumers),
    transports: link.transports.map(transportToWire),
    immovableReason: link.immovableReason ?? '',
    entity: link.entity ?? '',
    ordered: link.ordered ?? false,
    streamReplicas: link.stream?.replicas ?? 0,
    streamMaxBytes: BigInt(link.stream?.maxBytes ?? 0),
    methods: Object.fromEntries(
      Object.entries(link.consumers).map(([name, { push }]) => [name, methodName(push)]),
    ),
    events: describeEvents(link, isCarried),
  };
}

function describeSteps({ mappings = [] }: LinkDefinition, name: string) {
  const ofEvent = mappings.filter(({ older }) => older.event === name);
  return ofEvent.map(({ older, newer, loss, complement, drops, words }) => ({
    ...{ older: older.version, newer: newer.version, loss },
    ...{ complement: [...complement], drops: [...drops], words: [...words] },
  }));
}

/**
 * What this build reads: its handlers know the newest version, and everything older has a mapping
 * up to it. A version is read only if the consumer's method can carry it, too.
 */
function describeEvents(link: LinkDefinition, isCarried: (contract: Contract) => boolean) {
  const names = [...new Set(link.contracts.map((contract) => contract.event))];
  return names.map((name) => {
    const contracts = allContracts(link)
      .filter((one) => one.event === name && one.version <= readsOf(link) && isCarried(one))
      .sort((a, b) => a.version - b.version);
    return {
      name,
      versions: contracts.map((contract) => contract.version),
      schemas: contracts.map((contract) => JSON.stringify(contract.schema)),
      writtenVersion: contractAt(link, name, writesOf(link))?.version ?? 0,
      steps: describeSteps(link, name),
    };
  });
}
