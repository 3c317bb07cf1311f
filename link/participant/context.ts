/** What the handlers of the participant API work with. */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '../../runtime/nats.ts';
import type { Database } from '../../runtime/postgres.ts';
import type { Schema } from '../../runtime/postgresSchema.ts';
import type { TextColumn } from '../erasing/findTraces.ts';
import { LinkError } from '../errors.ts';
import type { Handler } from '../inbox/handler.ts';
import type { Receiver } from '../inbox/receiver.ts';
import type { ReplicaTable } from '../inbox/upsertNewer.ts';
import { type LinkDefinition, legOf } from '../link.ts';
import type { Pull } from '../pull/pull.ts';
import type { Relay } from '../relay/relay.ts';
import type { Dispatcher } from '../transport/dispatcher.ts';
import type { GrpcDispatcher } from '../transport/grpc/send.ts';
import type { ListeningAgent } from '../transport/jetStream/listening.ts';
import type { Publisher } from '../transport/jetStream/publisher.ts';
import type { StreamConsumer } from '../transport/jetStream/receive.ts';
import type { BrokerRefusals } from '../transport/jetStream/refusals.ts';
import type { EntitySource } from './entity.ts';
import type { ReceiptAsker } from './receiptAsker.ts';

/**
 * Names of the changes that remove what only older contract versions of a link need, by the version
 * from which on nothing needs it.
 */
export type Removals = Readonly<Record<number, readonly string[]>>;

export interface ParticipantOptions {
  readonly service: string;
  readonly instance: string;
  readonly sql: Database;
  readonly nats: NatsConnection;
  readonly produced: readonly LinkDefinition[];
  readonly consumed: readonly LinkDefinition[];
  readonly handlers: Readonly<Record<string, Handler | undefined>>;
  readonly sources?: Readonly<Record<string, EntitySource | undefined>>;
  readonly replicas?: Readonly<Record<string, ReplicaTable | undefined>>;
  readonly pulls?: Readonly<Record<string, Pull | undefined>>;
  readonly schema?: Schema | undefined;
  readonly removals?: Readonly<Record<string, Removals | undefined>>;
  readonly people?: readonly TextColumn[] | undefined;
  readonly freeText?: readonly TextColumn[] | undefined;
  /** Whether closed messages of functional links are kept for a while. */
  readonly keepsHistory: boolean;
  readonly relay: Relay;
  readonly listening: ListeningAgent;
  readonly streams: ReadonlyMap<string, StreamConsumer>;
  readonly receivers: ReadonlyMap<string, Receiver>;
  readonly refusals: BrokerRefusals;
  readonly publisher: Publisher;
  readonly dispatchers: ReadonlyMap<string, GrpcDispatcher>;
  /** Adds the owner's fields that a message lacks in an older contract version. */
  readonly complete: (link: LinkDefinition, dispatcher: Dispatcher) => Dispatcher;
  readonly asker: ReceiptAsker;
  readonly manager: () => Promise<JetStreamManager>;
  /** For how long this service remembers what it settled, and keeps what was settled elsewhere. */
  readonly horizonDays: number;
  readonly historyDays: number;
}

/** The produced leg of these names. @throws LinkError UNKNOWN_LINK, UNKNOWN_CONSUMER */
export function findLeg(links: readonly LinkDefinition[], link: string, consumer: string) {
  const definition = findLink(links, link);
  if (!definition.consumers[consumer])
    throw new LinkError('UNKNOWN_CONSUMER', `${link} has no consumer ${consumer}`);
  return { definition, leg: legOf(link, consumer) };
}

/** The produced or consumed link of this id. */
export function findLink(links: readonly LinkDefinition[], id: string): LinkDefinition {
  const link = links.find((one) => one.id === id);
  if (!link)
    throw new LinkError(
      'UNKNOWN_LINK',
      `this service has no link ${id} on this side; see its Describe`,
    );
  return link;
}
