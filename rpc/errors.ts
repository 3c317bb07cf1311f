/**
 * Errors of calls, on both sides. On the wire: grpc-status, grpc-message and google.rpc.Status in
 * grpc-status-details-bin with ErrorInfo (domain "relink", a reason of a documented list) and
 * BadRequest (every field that is wrong). Causes stay in the process that has them.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyPack, anyUnpack } from '@bufbuild/protobuf/wkt';
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { BadRequestSchema, ErrorInfoSchema } from '../gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../gen/google/rpc/status_pb.ts';

export const ERROR_DOMAIN = 'relink';
const DETAILS_KEY = 'grpc-status-details-bin';

/** A gRPC status by its name, without OK. */
export type RpcCode = Exclude<keyof typeof status, 'OK'>;

/**
 * The reasons that any API may give. An API with more keeps a list of its own beside its errors,
 * named `…_REASONS`; docs/errors.md explains them all.
 */
export const RPC_REASONS = [
  'FIELDS_INVALID', // INVALID_ARGUMENT: BadRequest names the fields
  'REQUEST_UNREADABLE', // INVALID_ARGUMENT: the bytes are not a message of this type
  'ID_UNKNOWN', // NOT_FOUND
  'ID_TAKEN', // ALREADY_EXISTS: the same id with other fields
  'UNAVAILABLE', // UNAVAILABLE: a server or database that is needed does not respond
  'INTERNAL', // INTERNAL: unexpected server error; the server's log has the cause
] as const;
export type RpcReason = (typeof RPC_REASONS)[number];

/** One field that is wrong. Descriptions contain no values: they may be personal. */
export interface FieldFault {
  /** Names as in the .proto file, joined by dots: `exercises[0].title`. */
  field: string;
  description: string;
}

export interface RpcErrorOptions extends ErrorOptions {
  fields?: FieldFault[];
  /** Machine-readable facts, sent in ErrorInfo. */
  metadata?: Record<string, string>;
}

/** What a handler throws to end a call with a status other than OK. The cause is kept, not sent. */
export class RpcError extends Error {
  readonly code: RpcCode;
  /** One of RPC_REASONS, or of the API's own list. */
  readonly reason: string;
  readonly fields: FieldFault[];
  readonly metadata: Record<string, string>;
  constructor(code: RpcCode, reason: string, message: string, options: RpcErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'RpcError';
    this.code = code;
    this.reason = reason;
    this.fields = options.fields ?? [];
    this.metadata = options.metadata ?? {};
  }
}

/** INVALID_ARGUMENT for a rule that no annotation can express. */
export function invalidField(field: string, description: string): RpcError {
  const fields = [{ field, description }];
  return new RpcError('INVALID_ARGUMENT', 'FIELDS_INVALID', `${field} ${description}`, { fields });
}

/** NOT_FOUND for an id of the request. */
export function unknownId(field: string, what: string): RpcError {
  return new RpcError('NOT_FOUND', 'ID_UNKNOWN', `no ${what} with this ${field}`, {
    metadata: { field },
  });
}

/** The status and trailers of an error as grpc-js sends them. */
export function toStatus(error: RpcError): StatusObject {
  const { code: name, message, reason, fields, metadata: facts } = error;
  const details = [
    anyPack(
      ErrorInfoSchema,
      create(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN, metadata: facts }),
    ),
  ];
  if (fields.length > 0) {
    const badRequest = create(BadRequestSchema, { fieldViolations: fields });
    details.push(anyPack(BadRequestSchema, badRequest));
  }
  const code = status[name];
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(bytes));
  return { code, details: message, metadata };
}

/**
 * These do not say whether the server did the work: it may have, or may still. Everything else was
 * refused before it had an effect.
 */
const UNKNOWN_OUTCOME: ReadonlySet<RpcCode> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'CANCELLED',
  'UNKNOWN',
  'INTERNAL',
]);

/** What a client's call rejects with. */
export class RpcCallError extends Error {
  /** `service.v1.Service/Method` and the address that was called. */
  readonly method: string;
  readonly address: string;
  readonly code: RpcCode;
  /** The server's reason; undefined when the status came from the transport or a foreign server. */
  readonly reason: string | undefined;
  readonly fields: FieldFault[];
  readonly metadata: Record<string, string>;
  /** Whether the call may have had an effect. */
  readonly outcome: 'unknown' | 'refused';
  constructor(
    method: string,
    address: string,
    received: Pick<StatusObject, 'code' | 'details'>,
    metadata?: Metadata,
  ) {
    super(`${method} at ${address}: ${status[received.code]} ${inPlainWords(received.details)}`);
    this.name = 'RpcCallError';
    this.method = method;
    this.address = address;
    this.code = (status[received.code] ?? 'UNKNOWN') as RpcCode;
    const details = metadata === undefined ? undefined : readDetails(metadata);
    this.reason = details?.reason;
    this.fields = details?.fields ?? [];
    this.metadata = details?.metadata ?? {};
    this.outcome = UNKNOWN_OUTCOME.has(this.code) ? 'unknown' : 'refused';
  }
}

/** grpc-js adds timings of its own insides, which say nothing to a reader. */
function inPlainWords(details: string): string {
  return details.replace(/^Deadline exceeded after ([\d.]+)s,.*$/s, 'no answer within $1 s');
}

function readDetails(trailers: Metadata) {
  const [bytes] = trailers.get(DETAILS_KEY);
  if (!Buffer.isBuffer(bytes)) return undefined;
  let reason: string | undefined;
  let metadata: Record<string, string> = {};
  const fields: FieldFault[] = [];
  for (const detail of readStatus(bytes)) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) ({ reason, metadata } = info);
    const violations = anyUnpack(detail, BadRequestSchema)?.fieldViolations ?? [];
    for (const { field, description } of violations) fields.push({ field, description });
  }
  return { reason, metadata, fields };
}

function readStatus(bytes: Buffer) {
  try {
    return fromBinary(StatusSchema, bytes).details;
  } catch {
    // Details that cannot be read must not hide the status that came with them.
    return [];
  }
}
