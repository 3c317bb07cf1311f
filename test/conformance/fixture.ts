/** How to exercise a link: what a test needs to know of it beyond the map. */
import type { Handler } from '../../link/inbox/handler.ts';
import type { Message } from '../../link/outbox/message.ts';
import type { Pull } from '../../link/pull/pull.ts';
import type { Database, Transaction } from '../../runtime/postgres.ts';
import type { Clients } from '../../services/clients.ts';

interface Exercised {
  /**
   * One business transaction on a key, which makes it or goes on with it. Its version rises by one
   * with every message; no message when there is nothing to say of the key any more.
   */
  readonly act: (tx: Transaction, key: string, text: string) => Promise<Message | undefined>;
  /** SQL at the producer: `key`, `version` of every message that was committed. */
  readonly intents: string;
  /** The consumers' own. */
  readonly handlers: Readonly<Record<string, Handler>>;
}

/** A table whose rows say what was committed, or what it had as its effect. */
export interface StateTable {
  readonly table: string;
  readonly key: string;
  readonly version: string;
  /** Columns that both sides have, compared as text. */
  readonly columns: readonly string[];
}

/** Rows of both sides must agree in the end. */
export interface FormalFixture extends Exercised {
  readonly kind: 'formal';
  readonly source: StateTable;
  readonly replicas: Readonly<Record<string, StateTable>>;
  /** How a consumer asks the owner where the link may be `pull`. */
  readonly pull?: (clients: Clients) => Pull;
}

/** Every intent has its effect, once. */
export interface FunctionalFixture extends Exercised {
  readonly kind: 'functional';
  /** How many messages there can be of one key. */
  readonly messagesPerKey: number;
  /** Makes what business transactions on these keys, and their effects, need at a service. */
  readonly prepare: Readonly<
    Record<string, (sql: Database, keys: readonly string[]) => Promise<void>>
  >;
  /** SQL at the producer: `effect`, as text, that each committed message must have. */
  readonly intended: string;
  /** By consumer, SQL: `effect` of each that happened. */
  readonly effects: Readonly<Record<string, string>>;
  /** By consumer, SQL: `problem` of whatever cannot be when each effect happened once, in order. */
  readonly contradictions: Readonly<Record<string, string>>;
}

export type LinkFixture = FormalFixture | FunctionalFixture;
