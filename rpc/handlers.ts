/**
 * Typed handlers, and how grpc-js calls them: decode, validate, handle, encode; errors become
 * statuses.
 */
import { type EventEmitter, once } from 'node:events';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import type {
  Metadata,
  ServerDuplexStream,
  ServerErrorResponse,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  StatusObject,
  sendUnaryData,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import type { Log } from '../runtime/log.ts';
import { decode, encode, type Input, type OutputInit } from './definition.ts';
import { RpcError, toStatus } from './errors.ts';
import { isTransient } from './transient.ts';
import type { Validate } from './validation.ts';

type AnyCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerReadableStream<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>
  | ServerDuplexStream<Buffer, Buffer>;

/** What a handler knows about its call. */
export class RpcContext {
  readonly method: string;
  readonly log: Log;
  readonly #call: AnyCall;
  readonly #stopping: AbortSignal | undefined;
  #signal: AbortSignal | undefined;

  constructor(method: string, call: AnyCall, log: Log, stopping?: AbortSignal) {
    this.method = method;
    this.log = log;
    this.#call = call;
    this.#stopping = stopping;
  }

  get metadata(): Metadata {
    return this.#call.metadata;
  }

  /** A text value of the call's metadata, or undefined. */
  header(name: string): string | undefined {
    const [value] = this.#call.metadata.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  /** Milliseconds until the client gives up; Infinity when it never does. May be negative. */
  get deadlineMs(): number {
    return Number(this.#call.getDeadline()) - Date.now();
  }

  /**
   * Aborts when the client cancels or gives up; for streams also when the server stops. A handler
   * with an effect may go on or stop: the client already counts the outcome as unknown.
   */
  get signal(): AbortSignal {
    this.#signal ??= this.#makeSignal();
    return this.#signal;
  }

  #makeSignal(): AbortSignal {
    const cancelled = new AbortController();
    if (this.#call.cancelled) cancelled.abort();
    else (this.#call as EventEmitter).once('cancelled', () => cancelled.abort());
    if (this.#stopping === undefined) return cancelled.signal;
    return AbortSignal.any([cancelled.signal, this.#stopping]);
  }
}

/** A handler of one method. */
export type Handler<M> = M extends { methodKind: 'unary' }
  ? (request: Input<M>, context: RpcContext) => Promise<OutputInit<M>> | OutputInit<M>
  : M extends { methodKind: 'server_streaming' }
    ? (request: Input<M>, context: RpcContext) => AsyncIterable<OutputInit<M>>
    : M extends { methodKind: 'client_streaming' }
      ? (requests: AsyncIterable<Input<M>>, context: RpcContext) => Promise<OutputInit<M>>
      : (requests: AsyncIterable<Input<M>>, context: RpcContext) => AsyncIterable<OutputInit<M>>;

/** A handler for every method of a service. */
export type Handlers<S extends DescService> = { [K in keyof S['method']]: Handler<S['method'][K]> };

/** What all calls of a server share. */
export interface CallSetting {
  log: Log;
  validate: Validate | undefined;
  /** Aborts when the server begins to stop. */
  stopping: AbortSignal;
  /** Called at the end of every call. `code` is the status's name. */
  observe?: (method: DescMethod, code: string, seconds: number) => void;
}

type AnyHandler = (request: unknown, context: RpcContext) => unknown;
type Reply = (error: ServerErrorResponse | Partial<StatusObject> | null, value?: Buffer) => void;

/** The grpc-js handler of a method. */
export function adapt(
  method: DescMethod,
  handler: unknown,
  setting: CallSetting,
): UntypedHandleCall {
  const handle = handler as AnyHandler;
  switch (method.methodKind) {
    case 'unary':
      return (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
        void answer(method, call, reply as Reply, setting, false, (context) =>
          handle(read(method, call.request, setting), context),
        );
    case 'client_streaming':
      return (call: ServerReadableStream<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
        void answer(method, call, reply as Reply, setting, true, (context) =>
          handle(readAll(method, call, setting), context),
        );
    case 'server_streaming':
      return (call: ServerWritableStream<Buffer, Buffer>) =>
        void stream(method, call, setting, (context) =>
          handle(read(method, call.request, setting), context),
        );
    case 'bidi_streaming':
      return (call: ServerDuplexStream<Buffer, Buffer>) =>
        void stream(method, call, setting, (context) =>
          handle(readAll(method, call, setting), context),
        );
  }
}

async function answer(
  method: DescMethod,
  call: AnyCall,
  reply: Reply,
  setting: CallSetting,
  isStream: boolean,
  handle: (context: RpcContext) => unknown,
): Promise<void> {
  const startedAt = performance.now();
  let code = 'OK';
  try {
    const response = await handle(contextOf(method, call, setting, isStream));
    reply(null, encode(method.output, response as never));
  } catch (error) {
    const known = toRpcError(error, method, setting.log);
    code = known.code;
    reply(toStatus(known));
  }
  setting.observe?.(method, code, (performance.now() - startedAt) / 1000);
}

async function stream(
  method: DescMethod,
  call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
  setting: CallSetting,
  handle: (context: RpcContext) => unknown,
): Promise<void> {
  const startedAt = performance.now();
  const context = contextOf(method, call, setting, true);
  let code = 'OK';
  try {
    for await (const response of handle(context) as AsyncIterable<never>) {
      if (call.cancelled) break;
      // A slow reader slows the handler down, instead of filling memory.
      if (!call.write(encode(method.output, response))) await drained(call, context.signal);
    }
    call.end();
  } catch (error) {
    const known = toRpcError(error, method, setting.log);
    code = known.code;
    if (!call.cancelled) call.emit('error', toStatus(known));
  }
  setting.observe?.(method, code, (performance.now() - startedAt) / 1000);
}

async function drained(call: EventEmitter, signal: AbortSignal): Promise<void> {
  try {
    await once(call, 'drain', { signal });
  } catch (error) {
    // Cancelled or stopping: the loop checks that itself.
    if (!signal.aborted) throw error;
  }
}

function contextOf(method: DescMethod, call: AnyCall, setting: CallSetting, isStream: boolean) {
  const stopping = isStream ? setting.stopping : undefined;
  return new RpcContext(`${method.parent.typeName}/${method.name}`, call, setting.log, stopping);
}

function read(method: DescMethod, bytes: Buffer, { validate }: CallSetting): unknown {
  let request: ReturnType<typeof decode>;
  try {
    request = decode(method.input, bytes);
  } catch (cause) {
    const what = `the request is not a valid ${method.input.typeName}`;
    throw new RpcError('INVALID_ARGUMENT', 'REQUEST_UNREADABLE', what, { cause });
  }
  validate?.(method.input, request);
  return request;
}

async function* readAll(
  method: DescMethod,
  call: ServerReadableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
  setting: CallSetting,
): AsyncGenerator<unknown> {
  // Not destroyed on return: the response still goes out on the same call.
  for await (const bytes of call.iterator({ destroyOnReturn: false })) {
    yield read(method, bytes, setting);
  }
}

function toRpcError(error: unknown, method: DescMethod, log: Log): RpcError {
  if (error instanceof RpcError) {
    const { code, reason } = error;
    log.debug({ err: error, method: method.name, code, reason }, 'call refused');
    return error;
  }
  log.error({ err: error, method: `${method.parent.typeName}/${method.name}` }, 'call failed');
  if (isTransient(error))
    return new RpcError(
      'UNAVAILABLE',
      'UNAVAILABLE',
      'a server that this service needs cannot do it now; try again',
      {
        cause: error,
      },
    );
  return new RpcError('INTERNAL', 'INTERNAL', 'unexpected server error', { cause: error });
}
