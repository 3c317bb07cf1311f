/** Serves `relink.v1.LinkParticipant`: what the migration engine asks of a service. */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { RpcError } from '../../rpc/errors.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import type { NatsConnection } from '../../runtime/nats.ts';
import type { Database } from '../../runtime/postgres.ts';
import { LinkError } from '../errors.ts';
import type { Handler } from '../inbox/handler.ts';
import type { ReplicaTable } from '../inbox/upsertNewer.ts';
import type { LinkDefinition } from '../link.ts';
import type { Relay } from '../relay/relay.ts';
import type { GrpcDispatcher } from '../transport/grpc/send.ts';
import type { ListeningAgent } from '../transport/jetStream/listening.ts';
import type { Publisher } from '../transport/jetStream/publisher.ts';
import type { StreamConsumer } from '../transport/jetStream/receive.ts';
import { consumerHandlers } from './consumerHandlers.ts';
import { deadLetterHandlers } from './deadLetterHandlers.ts';
import { describe } from './describe.ts';
import type { EntitySource } from './entity.ts';
import { entityHandlers } from './entityHandlers.ts';
import { producerHandlers } from './producerHandlers.ts';
import { type Pull, pullHandlers } from './pullHandlers.ts';
import type { ReceiptAsker } from './receiptAsker.ts';

export interface ParticipantOptions {
  readonly service: string;
  readonly instance: string;
  readonly sql: Database;
  readonly nats: NatsConnection;
  readonly produced: readonly LinkDefinition[];
  readonly consumed: readonly LinkDefinition[];
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly sources?: Readonly<Record<string, EntitySource>>;
  readonly replicas?: Readonly<Record<string, ReplicaTable>>;
  readonly pulls?: Readonly<Record<string, Pull>>;
  readonly relay: Relay;
  readonly listening: ListeningAgent;
  readonly streams: ReadonlyMap<string, StreamConsumer>;
  readonly publisher: Publisher;
  readonly dispatchers: ReadonlyMap<string, GrpcDispatcher>;
  readonly asker: ReceiptAsker;
  readonly manager: () => Promise<JetStreamManager>;
}

type ParticipantHandlers = Handlers<typeof LinkParticipant>;

export function participantHandlers(options: ParticipantOptions): ParticipantHandlers {
  const handlers = {
    describe: () => describe(options),
    ...producerHandlers(options),
    ...consumerHandlers(options),
    ...entityHandlers(options),
    ...pullHandlers(options),
    ...deadLetterHandlers(options),
  };
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handle]) => [name, withReasons(handle as AnyHandler)]),
  ) as unknown as ParticipantHandlers;
}

type AnyHandler = (...args: unknown[]) => unknown;

/** Errors of the kit become statuses with their reason. */
function withReasons(handle: AnyHandler): AnyHandler {
  return async (...args) => {
    try {
      return await handle(...args);
    } catch (error) {
      if (error instanceof LinkError) throw asRpcError(error);
      throw error;
    }
  };
}

function asRpcError(error: LinkError): RpcError {
  const cause = { cause: error };
  switch (error.code) {
    case 'ROUTE_CHANGED':
    case 'ROUTE_PENDING':
      return new RpcError('ABORTED', error.code, error.message, cause);
    case 'UNKNOWN_LINK':
    case 'UNKNOWN_CONSUMER':
      return new RpcError('NOT_FOUND', 'LINK_UNKNOWN', error.message, cause);
    case 'REPLICA_IN_USE':
      return new RpcError('FAILED_PRECONDITION', error.code, error.message, cause);
    case 'NOT_MOVABLE':
      return new RpcError('FAILED_PRECONDITION', 'LINK_NOT_MOVABLE', error.message, cause);
    default:
      return new RpcError('INTERNAL', 'INTERNAL', error.message, cause);
  }
}

/** The produced or consumed link of this id. */
export function findLink(links: readonly LinkDefinition[], id: string): LinkDefinition {
  const link = links.find((one) => one.id === id);
  if (!link) throw new LinkError('UNKNOWN_LINK', `${id} is not a link of this side of the service`);
  return link;
}
