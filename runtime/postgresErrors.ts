/** What an error of the driver or the server says about the connection and about a commit. */
/** Types that the driver is taught: int8 arrives and leaves as bigint. */
export type Amounts = { bigint: bigint };

const MAX_CAUSES = 5; // deeper chains are cycles

/** Nothing of the transaction can have reached the server. */
const NEVER_SENT = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT'],
  ...['CONNECT_TIMEOUT', 'CONNECTION_ENDED', '57P03', '08001', '08004'],
]);

/** The connection ended while in use. */
const CUT = new Set([
  ...['CONNECTION_CLOSED', 'CONNECTION_DESTROYED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'],
  ...['57P01', '57P02', '57P05', '25P03', '25P04'], // shutdown, crash, session time limits
  ...['08000', '08003', '08006', '08007'],
]);

const STATEMENT_COMPLETION_UNKNOWN = '40003';

/**
 * True when the connection could not be made or was lost: nothing is wrong with the query, and the
 * next attempt gets a new connection. Looks through `cause`.
 */
export function isConnectionLost(error: unknown): boolean {
  return codesOf(error).some((code) => CUT.has(code) || NEVER_SENT.has(code));
}

/**
 * True when a transaction that ended with this error may still be committed: the connection broke
 * after something was sent. Repeat only what is idempotent.
 */
export function isUnknownCommit(error: unknown): boolean {
  const codes = codesOf(error);
  return codes.some((code) => CUT.has(code) || code === STATEMENT_COMPLETION_UNKNOWN);
}

/** True when repeating the whole transaction can help: serialization failure, deadlock. */
export function isSerializationFailure(error: unknown): boolean {
  return codesOf(error).some((code) => code === '40001' || code === '40P01');
}

/** True when the server cancelled a statement, as it does after `statement_timeout`. */
export function isStatementTimeout(error: unknown): boolean {
  return codesOf(error).includes('57014');
}

/** The constraint that a statement broke, or undefined. */
export function brokenConstraint(error: unknown): string | undefined {
  const name = (error as { constraint_name?: unknown } | null)?.constraint_name;
  return typeof name === 'string' ? name : undefined;
}

function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth += 1) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'string') codes.push(code);
    current = current.cause;
  }
  return codes;
}
