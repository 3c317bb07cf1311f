/** From errors of the engine, and of the services it asked, to the statuses that callers get. */
import type { LINK_REASONS } from '../link/errors.ts';
import { MigrationError, type MigrationErrorCode } from '../migration/errors.ts';
import { RpcCallError, type RpcCode, RpcError, type RpcReason } from '../rpc/errors.ts';

/** Reasons that the operator gives in gRPC answers, beside those of the kit and of every API. */
export const OPERATOR_REASONS = [
  'LINK_BUSY', // ALREADY_EXISTS: another run holds the leg
  'RUN_STATE', // FAILED_PRECONDITION: the run is in no state for this command
  'CONTRACT_UNKNOWN', // NOT_FOUND: no process ever said that it writes or reads this version
  'CONFIRMATION_WRONG', // FAILED_PRECONDITION: the link's name was not given as asked
] as const;

type Reason = RpcReason | (typeof LINK_REASONS)[number] | (typeof OPERATOR_REASONS)[number];

const STATUSES: Readonly<Record<MigrationErrorCode, readonly [RpcCode, Reason]>> = {
  LINK_UNKNOWN: ['NOT_FOUND', 'LINK_UNKNOWN'],
  LINK_BUSY: ['ALREADY_EXISTS', 'LINK_BUSY'],
  LINK_NOT_MOVABLE: ['FAILED_PRECONDITION', 'LINK_NOT_MOVABLE'],
  RUN_UNKNOWN: ['NOT_FOUND', 'ID_UNKNOWN'],
  RUN_STATE: ['FAILED_PRECONDITION', 'RUN_STATE'],
  CONFIRMATION_WRONG: ['FAILED_PRECONDITION', 'CONFIRMATION_WRONG'],
  REQUEST_INVALID: ['INVALID_ARGUMENT', 'FIELDS_INVALID'],
  PARTICIPANT_AWAY: ['UNAVAILABLE', 'UNAVAILABLE'],
  LEASE_LOST: ['UNAVAILABLE', 'UNAVAILABLE'],
  RUN_CHANGED: ['UNAVAILABLE', 'UNAVAILABLE'],
};

/** What the caller gets; other errors reach the server as they are, which logs them as INTERNAL. */
function toRpcError(error: MigrationError | RpcCallError): RpcError {
  if (error instanceof RpcCallError) return fromParticipant(error);
  const [code, reason] = STATUSES[error.code];
  return new RpcError(code, reason, error.message, { cause: error, fields: [...error.fields] });
}

/** A service refused or did not answer: the caller gets its reason as if it had asked itself. */
function fromParticipant(error: RpcCallError): RpcError {
  const options = { cause: error, fields: error.fields, metadata: error.metadata };
  if (error.outcome === 'unknown')
    return new RpcError(
      'UNAVAILABLE',
      'UNAVAILABLE',
      `a service does not answer: ${error.message}`,
      options,
    );
  return new RpcError(error.code, error.reason ?? 'INTERNAL', error.message, options);
}

type AnyHandler = (...args: never[]) => unknown;

/** Errors of the engine and of services become statuses with their reason; streams too. */
export function withReasons<H extends object>(handlers: H): H {
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handle]) => [name, translating(handle as AnyHandler)]),
  ) as H;
}

function translating(handle: AnyHandler): AnyHandler {
  return (...args) => {
    const result = handle(...args);
    if (result instanceof Promise) return result.catch(rethrow);
    return isStream(result) ? translatingStream(result) : result;
  };
}

function rethrow(error: unknown): never {
  const isKnown = error instanceof MigrationError || error instanceof RpcCallError;
  throw isKnown ? toRpcError(error) : error;
}

function isStream(result: unknown): result is AsyncIterable<unknown> {
  return typeof result === 'object' && result !== null && Symbol.asyncIterator in result;
}

async function* translatingStream(stream: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  try {
    yield* stream;
  } catch (error) {
    rethrow(error);
  }
}
