/**
 * Errors that the link kit throws at its callers. The list is closed; docs/errors.md explains each.
 */
import { CodedError } from '../runtime/errors.ts';

export type LinkErrorCode =
  | 'UNKNOWN_LINK'
  | 'UNKNOWN_EVENT'
  | 'UNKNOWN_CONSUMER'
  | 'INVALID_EVENT'
  | 'ROUTE_CHANGED'
  | 'ROUTE_PENDING'
  | 'NOT_MOVABLE'
  | 'REPLICA_IN_USE'
  | 'HANDLER_MISMATCH'
  | 'HANDLER_TIMEOUT'
  | 'INVALID_RELEASE'
  | 'NO_MAPPING'
  | 'NO_TRANSPORT';

/** Reasons the kit adds to gRPC errors, besides those of every API (`RPC_REASONS`). */
export const LINK_REASONS = [
  'PAYLOAD_CONFLICT', // FAILED_PRECONDITION: a known message id with a different payload; raises an alarm
  'EVENT_NEWER', // FAILED_PRECONDITION: a call holds an event that only a later build of the consumer knows
  'LINK_UNKNOWN', // NOT_FOUND; UNIMPLEMENTED for a link's method at a process without the link
  'LINK_NOT_MOVABLE', // FAILED_PRECONDITION
  'REPLICA_IN_USE', // FAILED_PRECONDITION: a replica that is still read is not dropped
  'ROUTE_CHANGED', // ABORTED: the compare-and-set of a route lost
  'ROUTE_PENDING', // ABORTED: a lane has not adopted its last route change yet
  'EDITED_MEANWHILE', // ABORTED: a dead letter changed since it was read
  'DEAD_LETTER_STATE', // FAILED_PRECONDITION: already redriven or discarded, or not its turn
  'PARKED_STATE', // FAILED_PRECONDITION: nothing is missing before it, or what is missing may come
] as const;

export class LinkError extends CodedError<LinkErrorCode> {
  /** Machine-readable facts, such as every problem of an event. */
  readonly details: Readonly<Record<string, unknown>>;
  constructor(
    code: LinkErrorCode,
    message: string,
    { details = {}, ...options }: ErrorOptions & { details?: Record<string, unknown> } = {},
  ) {
    super(code, message, options);
    this.details = details;
  }
}
