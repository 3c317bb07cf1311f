/** Errors of the link kit towards the code that uses it. The list is closed; docs/errors.md explains each. */
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
  | 'NO_TRANSPORT';

export class LinkError extends CodedError<LinkErrorCode> {
  /** Facts for programs, such as every problem of an event. */
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
