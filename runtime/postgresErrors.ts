/**
 * What an error of the driver or the server means, by its SQLSTATE and never by its text. There are
 * three kinds. *Unavailable*: it passes by itself, and nothing is wrong with the statement or the
 * message behind it. *Unfit*: this database cannot be used, and a person must change something.
 * Everything else is the statement's own.
 */
import { CodedError } from './errors.ts';

/**
 * - `POSTGRES_URL`: RELINK_POSTGRES_URL cannot be read, or asks for what cannot be had
 * - `POSTGRES_UNREACHABLE`: no server answers there
 * - `POSTGRES_REFUSED`: the server, or a pooler before it, refuses the session
 * - `POSTGRES_UNFIT`: the server or the database is not one that relink can run on
 */
export type PostgresUnfitCode =
  | 'POSTGRES_URL'
  | 'POSTGRES_UNREACHABLE'
  | 'POSTGRES_REFUSED'
  | 'POSTGRES_UNFIT';

/** A database that cannot be used as it is: one sentence that says what to change. */
export class PostgresUnfitError extends CodedError<PostgresUnfitCode> {}

/** Types that the driver is taught: int8 arrives and leaves as bigint. */
export type Amounts = { bigint: bigint };

const MAX_CAUSES = 5; // deeper chains are cycles

/** Nothing of the transaction can have reached the server. */
const NEVER_SENT = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT'],
  ...['ENOTDIR', 'EACCES', 'NO_TLS', 'CONNECT_TIMEOUT', 'CONNECTION_ENDED'],
  ...['57P03', '08001', '08004'],
]);

/** The connection ended while in use. */
const CUT = new Set([
  ...['CONNECTION_CLOSED', 'CONNECTION_DESTROYED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'],
  ...['57P01', '57P02', '57P05', '25P03', '25P04'], // shutdown, crash, session time limits
  ...['08000', '08003', '08006', '08007'],
]);

/** A session ended by the server or by a pooler, whatever the reason. */
const ENDING = new Set(['FATAL', 'PANIC']);

/**
 * What passes by itself although the connection may be there still: no writes during a fail-over;
 * no disk, memory or connections; a lock held elsewhere; an operator's doing; a disk's fault.
 */
const PASSING = /^(25006|55P03|40001|40P01|53...|57...|58...)$/;

/** A table, a column, a schema or a right is missing. */
const UNFIT_SCHEMA = new Set(['42P01', '42703', '3F000', '42501']);

/** True when the database lacks what the statement needs: the program and it do not fit together. */
export function isSchemaUnfit(error: unknown): boolean {
  return codesOf(error).some((code) => UNFIT_SCHEMA.has(code));
}

/**
 * True when the connection could not be made or was lost: nothing is wrong with the query, and the
 * next attempt gets a new connection. Looks through `cause`.
 */
export function isConnectionLost(error: unknown): boolean {
  const isEnded = causesOf(error).some(({ severity, severity_local }) =>
    ENDING.has(severity ?? severity_local ?? ''),
  );
  return isEnded || codesOf(error).some((code) => CUT.has(code) || NEVER_SENT.has(code));
}

/**
 * True when the database cannot do it now and nothing is wrong with what was asked: the connection
 * was lost, or the server says what passes by itself. The transaction is to be repeated; nobody is
 * to be blamed.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  return isConnectionLost(error) || codesOf(error).some((code) => PASSING.test(code));
}

/** True when repeating the whole transaction can help: serialization failure, deadlock. */
export function isSerializationFailure(error: unknown): boolean {
  return codesOf(error).some((code) => code === '40001' || code === '40P01');
}

/** True when the statement waited for somebody else's lock for as long as its session may. */
export function isLocked(error: unknown): boolean {
  return codesOf(error).includes('55P03');
}

/** The constraint that a statement broke, or undefined. */
export function brokenConstraint(error: unknown): string | undefined {
  const name = (error as { constraint_name?: unknown } | null)?.constraint_name;
  return typeof name === 'string' ? name : undefined;
}

interface Cause {
  readonly code?: unknown;
  readonly severity?: string;
  /** As the server's language has it; some poolers send no other. */
  readonly severity_local?: string;
}

function causesOf(error: unknown): Cause[] {
  const causes: Cause[] = [];
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth += 1) {
    causes.push(current as Cause);
    current = current.cause;
  }
  return causes;
}

function codesOf(error: unknown): string[] {
  return causesOf(error).flatMap(({ code }) => (typeof code === 'string' ? [code] : []));
}
