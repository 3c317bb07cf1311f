/**
 * What a session of PostgreSQL must be, whatever a role, a database, a server or a pooler sets by
 * default. Every connection of the product begins with these statements, and is given up when one
 * fails.
 *
 * They are statements and not startup parameters, because pgbouncer refuses most of those.
 */

/** In seconds and milliseconds of one pool. */
export interface SessionLimits {
  readonly statementTimeoutMs: number;
  readonly idleInTransactionTimeoutMs: number;
}

/**
 * Read committed: the fences, the version checks and the queues read, after they waited for a lock,
 * what the one before committed. At higher levels they would not see it.
 */
const REQUIRED: Readonly<Record<string, string>> = {
  default_transaction_isolation: 'read committed',
  // The driver reads times, numbers, bytes and arrays from their texts.
  datestyle: 'ISO, YMD',
  timezone: 'UTC',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  // Waiting is limited by statement_timeout; idle connections end when their pool wants it.
  lock_timeout: '0',
  idle_session_timeout: '0',
};

/**
 * What is acknowledged is on disk, also where commits need not be by default. PostgreSQL 17 brought
 * transaction_timeout. A session that cannot write is of no use: the next attempt may reach the new
 * primary.
 */
const DEPENDING = `do $$ begin
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', false);
  end if;
  if current_setting('server_version_num')::int >= 170000 then
    perform set_config('transaction_timeout', '0', false);
  end if;
  if current_setting('transaction_read_only')::bool then
    raise exception using errcode = '25006', message = case when pg_is_in_recovery()
      then 'this server is a standby and takes no writes'
      else 'this server takes no writes: default_transaction_read_only is on' end;
  end if;
end $$`;

/** The statements that make the session, in one text. `more` are the pool's own settings. */
export function sessionStatements(
  limits: SessionLimits,
  more: Readonly<Record<string, string | number | boolean>> = {},
): string {
  const own = {
    statement_timeout: limits.statementTimeoutMs,
    idle_in_transaction_session_timeout: limits.idleInTransactionTimeoutMs,
    ...more,
  };
  return [...settings(REQUIRED), DEPENDING, ...settings(own)].join('; ');
}

/** Settings that must still hold once the session is in use, in the words of `current_setting`. */
export const REQUIRED_SETTINGS: Readonly<Record<string, string>> = REQUIRED;

function settings(values: Readonly<Record<string, string | number | boolean>>): string[] {
  return Object.entries(values).map(
    ([name, value]) => `set ${name} to '${String(value).replaceAll("'", "''")}'`,
  );
}
