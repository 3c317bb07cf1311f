/**
 * Typed clients. A deadline is always set: gRPC has none by default, and a call without one waits
 * forever for a dead server.
 *
 * Unary calls go to the channel directly instead of through grpc-js's Client, which creates an
 * emitter, a chain of interceptors and a stack trace for each; bench/ has the ratio.
 */
import type { DescMethod, DescService, MessageShape } from '@bufbuild/protobuf';
import { type ChannelInterface, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { Channels, type PickedChannel } from './channels.ts';
import { decode, defineMethod, encode, type InputInit, type Output, pathOf } from './definition.ts';
import { RpcCallError } from './errors.ts';
import type { Lookup } from './replicas.ts';

export { RpcCallError } from './errors.ts';

const DEFAULT_DEADLINE_MS = 5_000;

export interface CallOptions {
  /** Milliseconds from now; Infinity only for streams that are meant to stay open. */
  deadlineMs?: number;
  /** Text values only; keys in lower case. */
  metadata?: Record<string, string>;
  /** Cancels the call. */
  signal?: AbortSignal;
  /**
   * On UNAVAILABLE, try the other replicas within the same deadline. Only for calls that may happen
   * twice: UNAVAILABLE does not mean that nothing was done.
   */
  retryUnavailable?: boolean;
}

type Call<M> = M extends { methodKind: 'unary' }
  ? (request: InputInit<M>, options?: CallOptions) => Promise<Output<M>>
  : M extends { methodKind: 'server_streaming' }
    ? (request: InputInit<M>, options?: CallOptions) => AsyncIterable<Output<M>>
    : M extends { methodKind: 'client_streaming' }
      ? (requests: AsyncIterable<InputInit<M>>, options?: CallOptions) => Promise<Output<M>>
      : (requests: AsyncIterable<InputInit<M>>, options?: CallOptions) => AsyncIterable<Output<M>>;

/** One function per method of the service; all reject with RpcCallError. */
export type RpcClient<S extends DescService> = {
  [K in keyof S['method']]: Call<S['method'][K]>;
} & {
  /** Closes the connections; calls in progress end with CANCELLED or UNAVAILABLE. */
  close(): void;
};

export interface RpcClientOptions {
  /** For calls without a deadline of their own. */
  deadlineMs?: number;
  /** Connections to each address; more than one pays off with many calls at once. */
  channels?: number;
  /** Where the names among the addresses are asked for; the system's resolver unless set. */
  lookup?: Lookup;
}

/** A client of one service at one or several replicas; connects at the first call. */
export function createRpcClient<S extends DescService>(
  service: S,
  addresses: string | string[],
  options: RpcClientOptions = {},
): RpcClient<S> {
  const { deadlineMs = DEFAULT_DEADLINE_MS, channels: perAddress = 1, lookup } = options;
  const channels = new Channels([addresses].flat(), perAddress, lookup);
  const calls = service.methods.map((method) => [
    method.localName,
    callOf(method, channels, deadlineMs),
  ]);
  return { ...Object.fromEntries(calls), close: () => channels.close() };
}

function callOf(method: DescMethod, channels: Channels, defaultDeadlineMs: number): unknown {
  const prepare = (options: CallOptions = {}): Sent => ({
    method,
    deadline: Date.now() + (options.deadlineMs ?? defaultDeadlineMs),
    metadata: toMetadata(options.metadata),
    options,
  });
  switch (method.methodKind) {
    case 'unary':
      return (request: never, options?: CallOptions) =>
        callUnary(channels, prepare(options), encode(method.input, request));
    case 'server_streaming':
      return (request: never, options?: CallOptions) =>
        callServerStreaming(channels.pick(), prepare(options), encode(method.input, request));
    case 'client_streaming':
      return (requests: AsyncIterable<never>, options?: CallOptions) =>
        callClientStreaming(channels.pick(), prepare(options), requests);
    case 'bidi_streaming':
      return (requests: AsyncIterable<never>, options?: CallOptions) =>
        callBidi(channels.pick(), prepare(options), requests);
  }
}

/** What every attempt of a call shares. */
interface Sent {
  method: DescMethod;
  /** Milliseconds since 1970, or Infinity. */
  deadline: number;
  metadata: Metadata;
  options: CallOptions;
}

async function callUnary(channels: Channels, sent: Sent, request: Buffer): Promise<unknown> {
  const attempts = sent.options.retryUnavailable === true ? channels.replicas : 1;
  // Other calls take turns, too: without this the next in turn may be the same replica again.
  const tried = new Set<string>();
  for (;;) {
    const picked = channels.pick(tried);
    try {
      return await attemptUnary(picked, sent, request);
    } catch (error) {
      const isUnavailable = error instanceof RpcCallError && error.code === 'UNAVAILABLE';
      tried.add(picked.address);
      if (!isUnavailable || tried.size >= attempts) throw error;
    }
  }
}

function attemptUnary(picked: PickedChannel, sent: Sent, request: Buffer): Promise<unknown> {
  const { method, deadline, metadata, options } = sent;
  const { signal } = options;
  return new Promise((resolve, reject) => {
    let response: Buffer | undefined;
    const call = openCall(picked.channel, pathOf(method), deadline);
    const cancel = () => call.cancelWithStatus(status.CANCELLED, 'cancelled by the caller');
    call.start(metadata, {
      onReceiveMetadata: () => undefined,
      onReceiveMessage: (message: Buffer) => {
        response = message;
      },
      onReceiveStatus: (received) => {
        signal?.removeEventListener('abort', cancel);
        try {
          resolve(readResponse(picked, method, response, received));
        } catch (error) {
          reject(error);
        }
      },
    });
    call.startRead();
    call.sendMessageWithContext({}, request);
    call.halfClose();
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  });
}

function openCall(channel: ChannelInterface, path: string, deadline: number) {
  return channel.createCall(path, deadline, null, null, null);
}

function readResponse(
  picked: PickedChannel,
  method: DescMethod,
  response: Buffer | undefined,
  received: { code: number; details: string; metadata: Metadata },
): MessageShape<DescMethod['output']> {
  if (received.code !== status.OK) {
    throw new RpcCallError(nameOf(method), picked.address, received, received.metadata);
  }
  if (response === undefined) throw unreadable(picked, method, 'no response');
  try {
    return decode(method.output, response);
  } catch {
    throw unreadable(picked, method, `the response is not a valid ${method.output.typeName}`);
  }
}

function unreadable(picked: PickedChannel, method: DescMethod, details: string): RpcCallError {
  return new RpcCallError(nameOf(method), picked.address, { code: status.INTERNAL, details });
}

async function* callServerStreaming(picked: PickedChannel, sent: Sent, request: Buffer) {
  const { path, requestSerialize, responseDeserialize } = defineMethod(sent.method);
  const { metadata, deadline } = sent;
  const stream = picked.client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
    metadata,
    { deadline },
  );
  yield* readStream(picked, sent, stream);
}

async function* callBidi(picked: PickedChannel, sent: Sent, requests: AsyncIterable<never>) {
  const { path, requestSerialize, responseDeserialize } = defineMethod(sent.method);
  const { metadata, deadline } = sent;
  const stream = picked.client.makeBidiStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    metadata,
    { deadline },
  );
  const sending = sendAll(stream, sent.method, requests);
  // A reader that stops early never learns of a failure here; one that reads to the end does.
  sending.catch(() => undefined);
  yield* readStream(picked, sent, stream);
  await sending;
}

async function callClientStreaming(
  picked: PickedChannel,
  sent: Sent,
  requests: AsyncIterable<never>,
): Promise<unknown> {
  const { path, requestSerialize, responseDeserialize } = defineMethod(sent.method);
  const { metadata, deadline, method, options } = sent;
  const answered = Promise.withResolvers<Buffer>();
  const call = picked.client.makeClientStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    metadata,
    { deadline },
    (error: ServiceError | null, response?: Buffer) => {
      if (error) answered.reject(fromServiceError(picked, method, error));
      else answered.resolve(response!);
    },
  );
  const cancel = () => call.cancel();
  options.signal?.addEventListener('abort', cancel, { once: true });
  try {
    if (options.signal?.aborted) cancel();
    const sending = sendAll(call, method, requests).then(() => answered.promise);
    // The response may come before all requests are sent; if the source fails, its error is the
    // result.
    return decode(method.output, await Promise.race([answered.promise, sending]));
  } finally {
    options.signal?.removeEventListener('abort', cancel);
  }
}

interface RequestStream {
  write(message: Buffer): boolean;
  end(): void;
  cancel(): void;
  once(event: 'drain' | 'close' | 'status' | 'error', listener: () => void): unknown;
  destroyed: boolean;
}

/** Writes requests as fast as the server takes them; a failing source cancels the call. */
async function sendAll(stream: RequestStream, method: DescMethod, requests: AsyncIterable<never>) {
  let isOver = false;
  const over = new Promise<void>((resolve) => {
    stream.once('status', () => {
      isOver = true;
      resolve();
    });
  });
  try {
    for await (const request of requests) {
      if (isOver) return;
      const isFull = !stream.write(encode(method.input, request));
      if (isFull) await Promise.race([over, new Promise<void>((go) => stream.once('drain', go))]);
    }
    stream.end();
  } catch (error) {
    stream.cancel();
    throw error;
  }
}

async function* readStream(
  picked: PickedChannel,
  { method, options }: Sent,
  stream: AsyncIterable<Buffer> & { cancel(): void },
): AsyncGenerator<unknown> {
  const cancel = () => stream.cancel();
  options.signal?.addEventListener('abort', cancel, { once: true });
  try {
    if (options.signal?.aborted) cancel();
    for await (const response of stream) yield decode(method.output, response);
  } catch (error) {
    throw fromServiceError(picked, method, error);
  } finally {
    options.signal?.removeEventListener('abort', cancel);
    // Nobody reads on: without this the server would go on sending.
    stream.cancel();
  }
}

function fromServiceError(picked: PickedChannel, method: DescMethod, error: unknown): unknown {
  const { code, details, metadata } = error as Partial<ServiceError>;
  if (typeof code !== 'number') return error;
  const received = { code, details: details ?? '' };
  return new RpcCallError(nameOf(method), picked.address, received, metadata);
}

function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

function toMetadata(values: Record<string, string> = {}): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(values)) metadata.set(key, value);
  return metadata;
}
