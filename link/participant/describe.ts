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
import type { LinkDefinition } from '../link.ts';
import { acceptsContract, methodName } from '../transport/grpc/pushMethod.ts';
import { readListening } from '../transport/jetStream/listening.ts';
import { NEEDED_PAYLOAD } from '../transport/jetStream/send.ts';
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
  isAccepted: (contract: LinkDefinition['contracts'][number]) => boolean,
): Description {
  const names = [...new Set(link.contracts.map((contract) => contract.event))];
  return {
    id: link.id,
    kind: link.kind === 'formal' ? LinkKind.FORMAL : LinkKind.FUNCTIONAL,
    producer: link.producer,
    consumers: Object.keys(link.consumers),
    transports: link.transports.map(transportToWire),
    immovableReason: link.immovableReason ?? '',
    entity: link.entity ?? '',
    ordered: link.ordered ?? false,
    methods: Object.fromEntries(
      Object.entries(link.consumers).map(([name, { push }]) => [name, methodName(push)]),
    ),
    events: names.map((name) => {
      const contracts = link.contracts.filter((one) => one.event === name && isAccepted(one));
      return {
        name,
        versions: contracts.map((contract) => contract.version),
        schemas: contracts.map((contract) => JSON.stringify(contract.schema)),
      };
    }),
  };
}
