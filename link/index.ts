/**
 * What a service imports from `relink`: how it declares links, sends by them, and applies what comes.
 * Calls have a door of their own (`relink/rpc`), and so has the process (`relink/runtime`).
 */

// Handlers and use cases write in the service's own transactions.
export type { Database, Transaction } from '../runtime/postgres.ts';

// Contracts of events, and what goes wrong.
export { type Contract, defineContract, type EventJson } from './contracts/contract.ts';
export {
  added,
  derived,
  type FieldChange,
  removed,
  renamed,
  rewritten,
} from './contracts/fieldChange.ts';
export { defineMapping, type Mapping } from './contracts/mapping.ts';
export { LinkError, type LinkErrorCode } from './errors.ts';

// A consumer's side: a function for each event, or the newest state of each key in a table.
export {
  type Basis,
  type BusinessEvent,
  type Change,
  type EventHandlers,
  type FormalHandler,
  type FunctionalHandler,
  type FunctionalOptions,
  formal,
  functional,
  type Handler,
} from './inbox/handler.ts';
export { type Came, keepNewest } from './inbox/replica.ts';
export { type NewerRow, type ReplicaTable, upsertNewer } from './inbox/upsertNewer.ts';

// A process's side: everything above, running.
export { createLinkKit, type KitOptions, type LegDelivery, type LinkKit } from './kit.ts';

// The map as a whole.
export {
  defineLinks,
  type EventOf,
  type LinkDefinition,
  LinkDefinitionError,
  type LinkMap,
} from './link.ts';
// A producer's side: messages in the business transaction, and where an entity is kept.
export { enqueue } from './outbox/enqueue.ts';
export type { Enqueued, Message, MessageFor } from './outbox/message.ts';
export { QUEUE_SESSION } from './outbox/queueSession.ts';
export type { EntitySource, NamedEntity } from './participant/entity.ts';
// Links that may be `pull`: a value that the consumer asks the owner for.
export type { Pull } from './pull/pull.ts';
export { PulledValue } from './pull/pulledValue.ts';
// What this build writes of the map, by its release.
export { releaseLinks } from './release.ts';
export { writesOf } from './versions.ts';
