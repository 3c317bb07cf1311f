/**
 * drizzle's query builder on our pools and transactions, for the plain reads and writes of the
 * services. `drizzle(tx)` and `kit.enqueue(tx, …)` take the same transaction.
 *
 * drizzle's own driver for postgres.js is not used. It changes the options of the client that it is
 * given, so that every statement of the process, including those of the link kit, reads and writes
 * dates differently; and it wraps each error in one whose message repeats the statement. Here a
 * statement is one call of `unsafe`: prepared, pipelined in the order of the awaits, and guarded;
 * only the client converts values and reports errors. The client converts `timestamptz` to Date,
 * `int8` to bigint and `jsonb` to the value it holds, so columns are declared in these modes.
 */
import { fillPlaceholders, NoopLogger, type Query, sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  PgAsyncDatabase,
  PgAsyncPreparedQuery,
  PgAsyncSession,
  PgDialect,
  type PgQueryResultHKT,
  type PreparedQueryConfig,
} from 'drizzle-orm/pg-core';
import type { Database, Transaction } from './postgres.ts';

type Client = Database | Transaction;
type Mode = 'arrays' | 'objects' | 'raw';
type Mapper = ((rows: unknown[]) => unknown) | undefined;

/** The result of a statement without `returning`: no rows. */
interface NoRows extends PgQueryResultHKT {
  readonly type: unknown;
}

const dialect = new PgDialect();
const noLog = new NoopLogger();

/** The query builder on a pool or, in a transaction, on the transaction. */
export function drizzle(client: Client): PgAsyncDatabase<NoRows> {
  return new PgAsyncDatabase<NoRows>(dialect, new Session(client), {});
}

/** True when the column holds one of the values; one statement for any number of them. */
export function isOneOf<T>(column: AnyPgColumn<{ data: T }>, values: readonly T[]) {
  return sql`${column} = any(${sql.param(values)})`;
}

class Session extends PgAsyncSession<NoRows> {
  readonly client: Client;
  constructor(client: Client) {
    super(dialect);
    this.client = client;
  }

  override prepareQuery<T extends PreparedQueryConfig>(
    query: Query,
    mode: Mode,
    _name: string | boolean,
    mapper?: Mapper,
  ): PgAsyncPreparedQuery<T> {
    return new Statement<T>(this.client, query, mode, mapper);
  }

  override transaction(): never {
    throw new Error('start a transaction with sql.begin, and use drizzle(tx) in it');
  }
}

class Statement<T extends PreparedQueryConfig> extends PgAsyncPreparedQuery<T> {
  readonly #client: Client;
  readonly #mapper: Mapper;

  constructor(client: Client, query: Query, mode: Mode, mapper: Mapper) {
    const refuse = () => Promise.reject(new Error('unused: execute below replaces it'));
    const off = undefined;
    super(refuse, query, mapper, mode, noLog, off, off, off, off);
    this.#client = client;
    this.#mapper = mapper;
  }

  /** Hands the statement to the client at once: statements leave in the order of their awaits. */
  override execute(values: Record<string, unknown> = {}): Promise<T['execute']> {
    const { sql: text, params } = this.query;
    const query = this.#client.unsafe(text, fillPlaceholders(params, values) as never[], {
      prepare: true,
    });
    if (!this.#mapper) return query;
    return query.values().then(this.#mapper);
  }
}
