/**
 * Whether relink can run on a database, asked before anything else is done with it. What it cannot
 * run on is refused in one sentence that says what to change.
 */
import { randomUUID } from 'node:crypto';
import { joinAddress } from './address.ts';
import { CodedError, messageOf } from './errors.ts';
import { closePostgres, connectPostgres, type Database, type PostgresOptions } from './postgres.ts';
import { isDatabaseUnavailable, PostgresUnfitError } from './postgresErrors.ts';
import { REQUIRED_SETTINGS } from './postgresSession.ts';
import { type PostgresAddress, parsePostgresUrl } from './postgresUrl.ts';

const OLDEST_SERVER = 150_000;
const OF_TRANSACTIONS =
  'the pooler before it gives each transaction another session; set pool_mode = session for this ' +
  'database in pgbouncer, or name the server itself in RELINK_POSTGRES_URL';
/** Sessions that hold a transaction while another looks for its own server. */
const HELD = 3;

interface ServerKind {
  /** 150004 for 15.4. */
  readonly number: number;
  readonly version: string;
  readonly encoding: string;
}

/**
 * A pool on a database that relink can run on: `use` gets it, then it is closed. Throws
 * PostgresUnfitError, also for a connection that is lost on the way.
 */
export async function withPostgres<T>(
  url: string,
  options: PostgresOptions,
  use: (sql: Database) => Promise<T>,
): Promise<T> {
  const address = parsePostgresUrl(url);
  const sql = connectPostgres(url, { ...options, max: 1 });
  try {
    await firstSession(sql, address);
    await refuseOldServer(sql);
    await refusePoolerOfTransactions(sql, url, options);
    await refuseOtherSettings(sql);
    return await use(sql);
  } catch (error) {
    throw explain(error, address);
  } finally {
    await closePostgres(sql);
  }
}

/** Rejects with the reason while the database takes no writes; for `/readyz`. */
export async function requireWritable(sql: Database): Promise<void> {
  const [row] = await sql<{ is_read_only: boolean }[]>`
    select current_setting('transaction_read_only')::bool as is_read_only`;
  if (row!.is_read_only) throw new Error('PostgreSQL takes no writes now');
}

/** One attempt for each host: one that is down or takes no writes makes room for the next. */
async function firstSession(sql: Database, { hosts }: PostgresAddress): Promise<void> {
  for (let attempt = 1; ; attempt += 1)
    try {
      await sql`select 1`;
      return;
    } catch (error) {
      if (attempt >= hosts.length) throw error;
    }
}

async function refuseOldServer(sql: Database): Promise<void> {
  const [server] = await sql<ServerKind[]>`
    select current_setting('server_version_num')::int as number,
      current_setting('server_version') as version,
      current_setting('server_encoding') as encoding`;
  requireServer(server!);
}

/** Throws PostgresUnfitError for a server that is too old, or a database of another encoding. */
export function requireServer({ number, version, encoding }: ServerKind): void {
  if (number < OLDEST_SERVER)
    throw unfit(`it is PostgreSQL ${version}, and relink needs 15 or newer; use a newer server`);
  if (encoding !== 'UTF8')
    throw unfit(`its encoding is ${encoding}; use a database that was created with encoding UTF8`);
}

/**
 * A pooler that gives a session another server for each transaction loses session settings and
 * prepared statements. One that keeps the server is fine. The key that the session was given for
 * cancelling tells whether there is a pooler; while other sessions hold transactions, one that had
 * no transaction of its own finds its server taken.
 */
async function refusePoolerOfTransactions(
  sql: Database,
  url: string,
  options: PostgresOptions,
): Promise<void> {
  const asked = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  const own = asked[0]!.pid;
  if ((asked.state as unknown as { pid: number }).pid === own) return;
  const others = Array.from({ length: HELD }, () => connectPostgres(url, { ...options, max: 1 }));
  try {
    const mark = randomUUID();
    await sql`select set_config('relink.session', ${mark}, false)`;
    const held: number[] = [];
    for (const other of others) {
      await other`begin`.catch((cause) => {
        // A pooler that gives each statement another session closes the connection here.
        throw cause.code === 'CONNECTION_CLOSED' ? unfit(OF_TRANSACTIONS, cause) : cause;
      });
      held.push(await backendOf(other));
    }
    const [now] = await sql<{ mark: string | null }[]>`
      select current_setting('relink.session', true) as mark`;
    if (held.includes(own) || now!.mark !== mark || (await backendOf(sql)) !== own)
      throw unfit(OF_TRANSACTIONS);
  } finally {
    await Promise.all(others.map(closePostgres));
  }
}

async function backendOf(sql: Database): Promise<number> {
  const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  return row!.pid;
}

async function refuseOtherSettings(sql: Database): Promise<void> {
  const names = Object.keys(REQUIRED_SETTINGS);
  const rows = await sql<{ name: string; value: string }[]>`
    select name, current_setting(name) as value from unnest(${names}::text[]) name`;
  for (const { name, value } of rows)
    if (value !== REQUIRED_SETTINGS[name])
      throw unfit(
        `${name} is ${value} although relink set ${REQUIRED_SETTINGS[name]}; a pooler that does ` +
          'not keep sessions may do this: set pool_mode = session, or name the server itself in ' +
          'RELINK_POSTGRES_URL',
      );
}

/** Refuses a search path that names no schema; tables of services are made in its first one. */
export async function requireSchema(sql: Database): Promise<void> {
  const [row] = await sql<{ schema: string | null; path: string }[]>`
    select current_schema() as schema, current_setting('search_path') as path`;
  if (row!.schema === null)
    throw unfit(
      `its search_path (${row!.path}) names no schema that exists and that the role may use; ` +
        'create one, or add ?search_path=NAME to RELINK_POSTGRES_URL',
    );
}

function unfit(what: string, cause?: unknown): PostgresUnfitError {
  const message = `the database of RELINK_POSTGRES_URL cannot be used: ${what}`;
  return new PostgresUnfitError('POSTGRES_UNFIT', message, { cause });
}

/** What to change, by SQLSTATE. */
const DOING: Readonly<Record<string, string>> = {
  '28P01': 'correct the user or the password in RELINK_POSTGRES_URL',
  '28000': 'correct the user or the options in RELINK_POSTGRES_URL, or let it in in pg_hba.conf',
  '3D000': 'create the database, or name another one in RELINK_POSTGRES_URL',
  '42704': 'take the option out of RELINK_POSTGRES_URL',
  '42501': 'grant it to the user of RELINK_POSTGRES_URL, or name its owner there',
  '25006': 'name a server in RELINK_POSTGRES_URL that takes writes, or wait until this one does',
  '53300': 'raise max_connections there, or name a pooler in session mode in RELINK_POSTGRES_URL',
};

interface DriverError extends Error {
  readonly code?: string;
  readonly severity?: string;
  readonly severity_local?: string;
}

/** What a person can act on; an error that is no fault of the database stays as it is. */
function explain(thrown: unknown, { hosts }: PostgresAddress): unknown {
  if (thrown instanceof CodedError) return thrown;
  const error = thrown as DriverError;
  const where = hosts.map(({ host, port, path }) => path ?? joinAddress(host, port)).join(', ');
  if (error.name === 'PostgresError') {
    const doing = DOING[error.code ?? ''];
    if (!doing && !isDatabaseUnavailable(error)) return error;
    const next = doing ?? 'change that, or correct RELINK_POSTGRES_URL';
    const message = `PostgreSQL at ${where} refuses: ${error.message} (${error.code}); ${next}`;
    return new PostgresUnfitError('POSTGRES_REFUSED', message, { cause: error });
  }
  const isOfConnecting = isDatabaseUnavailable(error) || isOfTls(error);
  if (!isOfConnecting) return error;
  const message =
    `no PostgreSQL can be reached at ${where} (${messageOf(error)}); ` +
    'start it, or correct RELINK_POSTGRES_URL';
  return new PostgresUnfitError('POSTGRES_UNREACHABLE', message, { cause: error });
}

/** OpenSSL's and Node's names for certificates that do not fit: ERR_TLS_…, CERT_…, …_CERT…. */
function isOfTls({ code }: DriverError): boolean {
  return /^(ERR_(TLS|SSL)|UNABLE_TO_|HOSTNAME_)|CERT|^EPROTO$/.test(code ?? '');
}
