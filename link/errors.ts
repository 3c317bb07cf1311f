/** Errors of the link kit towards the code that uses it. The list is closed; docs/errors.md explains each. */
export type LinkErrorCode =
  | 'UNKNOWN_LINK'
  | 'UNKNOWN_EVENT'
  | 'UNKNOWN_CONSUMER'
  | 'INVALID_EVENT'
  | 'ROUTE_CHANGED'
  | 'ROUTE_PENDING'
  | 'NOT_MOVABLE'
  | 'REPLICA_IN_USE'
  | 'HANDLER_TIMEOUT'
  | 'NO_TRANSPORT';

export class LinkError extends Error {
  readonly code: LinkErrorCode;
  readonly details: Record<string, unknown>;
  constructor(
    code: LinkErrorCode,
    message: string,
    details: Record<string, unknown> = {},
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = 'LinkError';
    this.code = code;
    this.details = details;
  }
}
