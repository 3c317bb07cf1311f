/** Connections to PostgreSQL: one pool per process and database. */
import postgres, { type Sql } from 'postgres';
import { type Log, silentLog } from './log.ts';
import { declareArrayTypes } from './postgresArrays.ts';
import type { Amounts } from './postgresErrors.ts';
import { sessionStatements } from './postgresSession.ts';
import { socketOpener } from './postgresSocket.ts';
import { type PostgresAddress, type PostgresHost, parsePostgresUrl } from './postgresUrl.ts';
import { guardedBegin } from './transaction.ts';

export {
  brokenConstraint,
  isConnectionLost,
  isDatabaseUnavailable,
  isLocked,
  isSchemaUnfit,
  isSerializationFailure,
} from './postgresErrors.ts';
export {
  guardTransaction,
  type Transaction,
  TransactionRevokedError,
} from './transaction.ts';

/** A pool; int8 is bigint in both directions. */
export type Database = Sql<Amounts>;

const DEFAULT_CONNECTIONS = 10;
const CONNECT_TIMEOUT_S = 10; // a server that takes longer counts as down
const IDLE_TIMEOUT_S = 60; // returns unused connections: five services share one server
const MAX_LIFETIME_S = 30 * 60; // so that a failover or a new password is noticed in time
const STATEMENT_TIMEOUT_MS = 30_000; // above every statement of a request or a batch
const SILENCE_MS = 2_000; // after a statement's limit, within which the server would have said so
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000; // a forgotten transaction pins dead rows
/** Queries in flight on a connection; the default of 100 stops pipelining in larger batches. */
const PIPELINE = 10_000;
const RECONNECT_MIN_S = 0.05;
const RECONNECT_MAX_S = 1; // the driver's own back-off goes to 20 s, longer than most outages
const FAILURES_TO_DOUBLE = 10; // the default pool's size
const CLOSE_TIMEOUT_S = 5;

export interface PostgresOptions {
  /** Shows as application_name in pg_stat_activity: `service/instance`. */
  name: string;
  /** Connections at most. */
  max?: number;
  /** 0 switches the limit off (schema changes, backfills). */
  statementTimeoutMs?: number;
  /** More settings of the session, such as `{ synchronous_commit: 'off' }`. */
  session?: Record<string, string | number | boolean>;
  /** Its connections are never renewed by age: what a session holds is lost with it. */
  lasting?: boolean;
  log?: Log;
}

/**
 * A pool that connects when first used and recovers from cut connections by itself: a query in
 * progress rejects (see isDatabaseUnavailable), the next one gets a new connection. Its sessions are
 * what postgresSession.ts says. `begin` gives handlers a guarded transaction (see transaction.ts).
 * Close with closePostgres. Throws PostgresUnfitError when the URL cannot be used.
 */
export function connectPostgres(url: string, options: PostgresOptions): Database {
  const { name, max = DEFAULT_CONNECTIONS, lasting = false, log = silentLog } = options;
  const address = parsePostgresUrl(url);
  const [{ host, port }] = address.hosts as [PostgresHost];
  // Missing from the driver's option types, hence kept apart. It reports this host and port; which
  // one is used, and TLS, are the opener's.
  const untyped = { max_pipeline: PIPELINE, socket: openerOf(address, options) };
  const target = { host: [host], port: [port], ssl: false, ...loginOf(address) };
  const sql = postgres<{ bigint: typeof postgres.BigInt }>({
    ...untyped,
    ...(target as object),
    max,
    fetch_types: false, // see postgresArrays.ts
    connect_timeout: CONNECT_TIMEOUT_S,
    idle_timeout: lasting ? 0 : IDLE_TIMEOUT_S,
    max_lifetime: lasting ? null : MAX_LIFETIME_S,
    backoff: reconnectDelayS,
    types: { bigint: postgres.BigInt },
    onnotice: (notice) => log.debug({ code: notice.code }, `postgres: ${notice.message}`),
    connection: { ...address.parameters, application_name: name },
  });
  declareArrayTypes(sql);
  return Object.assign(sql, { begin: guardedBegin(sql.begin) });
}

function loginOf({ user, password, database }: PostgresAddress) {
  return { user, pass: password, database };
}

function openerOf(address: PostgresAddress, options: PostgresOptions) {
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS, session } = options;
  const idleInTransactionTimeoutMs = IDLE_IN_TRANSACTION_TIMEOUT_MS;
  const statements = sessionStatements({ statementTimeoutMs, idleInTransactionTimeoutMs }, session);
  const silenceMs = statementTimeoutMs === 0 ? 0 : statementTimeoutMs + SILENCE_MS;
  return socketOpener(address, statements, { limitMs: CONNECT_TIMEOUT_S * 1_000, silenceMs });
}

/**
 * Waits for queries in progress, at most CLOSE_TIMEOUT_S, then cuts them off. Safe to call twice.
 */
export async function closePostgres(sql: Database): Promise<void> {
  await sql.end({ timeout: CLOSE_TIMEOUT_S });
}

/**
 * Exponential with full jitter, so that the processes of a stack do not come back in step. The
 * driver counts failures over all connections of the pool: one cut of all ten is ten failures.
 */
function reconnectDelayS(failures: number): number {
  const ceiling = RECONNECT_MIN_S * 2 ** (failures / FAILURES_TO_DOUBLE);
  return Math.random() * Math.min(ceiling, RECONNECT_MAX_S);
}
