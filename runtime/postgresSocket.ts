/**
 * The socket under a PostgreSQL connection: it finds a host that answers, makes the session what it
 * must be, and shows the driver every end of a connection as one event.
 *
 * postgres.js 3.4.9 handles a reset in two steps: on `error` it rejects what was sent, on `close`
 * it takes the connection out of use. A query made in between (by the code whose query was just
 * rejected) goes to the dead connection and never settles, and its slot in the pool may be stuck
 * forever. Seen under pg_terminate_backend; the test of the pool reproduces it. So once the
 * connection is established, its errors stop here and the driver only sees a close without an
 * error: then it rejects everything and takes the connection out of use in one step.
 *
 * What it is about to write when the close comes stays before the first bytes of the slot's next
 * connection, and is never sent: whoever waits for that connection waits for ever. It writes in
 * `setImmediate`, and on a close it takes that back and forgets that it did. So it is made to write
 * first, to the socket that is closed.
 *
 * It also fails to clear the last query of a connection. When the next connection of its slot is
 * refused (a server that is starting up, a database that is gone) it waits for that old query to
 * end, which never happens, and silently reconnects without a pause. So a connection that closes
 * before it is established closes with an error.
 *
 * And it has no hook for the first statements of a session. So the server's first ReadyForQuery is
 * kept back until the session's statements have run. TLS begins here, because what is encrypted by
 * the driver cannot be read here; hosts are tried here, because the driver's own turns end in a loop
 * without a pause when none answers.
 */
import { once } from 'node:events';
import { isIP, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { joinAddress } from './address.ts';
import type { PostgresAddress, PostgresHost } from './postgresUrl.ts';

const [READY, ERROR, QUERY] = ['Z', 'E', 'Q'].map((letter) => letter.charCodeAt(0));
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const SSL_ACCEPTED = 'S'.charCodeAt(0);
/** A message is its kind and then its length, which counts itself and not the kind. */
const LENGTH_BYTES = 4;

/** What the driver is given instead of a socket when there is none: its first write fails. */
class FailedSocket extends Duplex {
  readonly #error: Error;
  constructor(error: Error) {
    super();
    this.#error = error;
  }
  override _read(): void {}
  override _write(_: unknown, __: unknown, written: (error: Error) => void): void {
    written(this.#error);
  }
}

/** Which of several hosts the pools of this process try first: the one that answered last. */
const firstHosts = new Map<string, number>();

/**
 * The driver's `socket` option for one pool. A host that cannot be reached, or whose session cannot
 * be made what it must be, makes room for the next; one attempt passes over hosts that are down.
 */
export function socketOpener(
  { hosts, tls, isTlsOptional }: PostgresAddress,
  statements: string,
  { limitMs, silenceMs }: { readonly limitMs: number; readonly silenceMs: number },
): () => Promise<Socket> {
  const key = JSON.stringify(hosts);
  const first = () => firstHosts.get(key) ?? 0;
  // Of several that fail at once at the same host, only one moves on.
  const passOver = (at: number) => {
    if (first() === at) firstHosts.set(key, (at + 1) % hosts.length);
  };
  return async () => {
    let failure = new Error('no host');
    for (let tried = 0; tried < hosts.length; tried += 1) {
      const at = first();
      try {
        const socket = await openSocket(hosts[at]!, { tls, isTlsOptional, limitMs });
        return establish(impatient(corked(socket), silenceMs), statements, () => passOver(at));
      } catch (error) {
        failure = error as Error;
        passOver(at);
      }
    }
    return establish(new FailedSocket(failure) as unknown as Socket, statements, () => {});
  };
}

interface Opening {
  readonly tls: ConnectionOptions | undefined;
  readonly isTlsOptional: boolean;
  readonly limitMs: number;
}

async function openSocket({ host, port, path }: PostgresHost, opening: Opening): Promise<Socket> {
  const { tls, limitMs } = opening;
  const plain = new Socket();
  // Whatever comes is thrown below, or by the socket around it.
  plain.on('error', () => {});
  const signal = AbortSignal.timeout(limitMs);
  try {
    if (path) plain.connect(path);
    else plain.connect(port, host);
    await once(plain, 'connect', { signal });
    if (!tls || path || !(await startTls(plain, opening.isTlsOptional, signal))) return plain;
    const servername = isIP(host) ? {} : { servername: host };
    const secure = connectTls({ socket: plain, host, ...servername, ...tls });
    await once(secure, 'secureConnect', { signal });
    return secure;
  } catch (error) {
    plain.destroy();
    throw signal.aborted ? lateError(host, port, limitMs) : error;
  }
}

/** Asks for TLS; false when the server has none and none is needed. */
async function startTls(plain: Socket, isOptional: boolean, signal: AbortSignal): Promise<boolean> {
  plain.write(SSL_REQUEST);
  const [answer] = (await once(plain, 'data', { signal })) as [Buffer];
  if (answer[0] === SSL_ACCEPTED) return true;
  if (isOptional) return false;
  throw Object.assign(new Error('the server takes no TLS connections'), { code: 'NO_TLS' });
}

function lateError(host: string, port: number, limitMs: number): Error {
  const error = new Error(`no connection to ${joinAddress(host, port)} within ${limitMs} ms`);
  return Object.assign(error, { code: 'CONNECT_TIMEOUT' });
}

/**
 * Gathers what is written in one turn of the event loop into one system call: the driver writes
 * every 1,024 bytes by itself, which is most of what a batch of pipelined statements costs.
 */
function corked(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let isCorked = false;
  const uncork = () => {
    isCorked = false;
    socket.uncork();
  };
  return Object.assign(socket, {
    write: (...args: unknown[]) => {
      if (!isCorked) {
        isCorked = true;
        socket.cork();
        process.nextTick(uncork);
      }
      return write(...args);
    },
  });
}

/**
 * Ends a connection whose server was asked something and says nothing for longer than any statement may
 * take: it is half open, and the kernel would notice after a quarter of an hour. 0 sets no limit.
 */
function impatient(socket: Socket, silenceMs: number): Socket {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...args: unknown[]) => boolean;
  let isAsked = false;
  socket.setTimeout(silenceMs, () => isAsked && socket.destroy());
  return Object.assign(socket, {
    write: (...args: unknown[]) => {
      isAsked = true;
      return write(...args);
    },
    emit: (event: string | symbol, ...args: unknown[]) => {
      if (event === 'data') isAsked = false;
      return emit(event, ...args);
    },
  });
}

/**
 * Runs the session's statements between the server's first ReadyForQuery and the driver's first
 * query, and shows the driver ends of the connection as this file's head says.
 */
function establish(socket: Socket, statements: string, onUnfit: () => void): Socket {
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...args: unknown[]) => boolean;
  let state: 'starting' | 'setting' | 'established' = 'starting';
  let hasFailed = false;
  let received: Buffer = Buffer.alloc(0);

  const take = (message: Buffer) => {
    if (state === 'starting' && message[0] === READY) {
      state = 'setting';
      socket.write(queryMessage(statements));
    } else if (message[0] === ERROR) {
      onUnfit();
      emit('data', message);
      if (state === 'setting') socket.destroy();
    } else if (state === 'starting') {
      emit('data', message);
    } else if (message[0] === READY) {
      state = 'established';
      emit('data', message);
    }
  };
  const takeAll = (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    while (state !== 'established' && !socket.destroyed) {
      const end = endOfMessage(received);
      if (end === undefined) return true;
      const message = received.subarray(0, end);
      received = received.subarray(end);
      take(message);
    }
    return state !== 'established' || received.length === 0 || emit('data', received);
  };
  const emitEarly = (event: string | symbol, args: unknown[]) => {
    if (event === 'data') return takeAll(args[0] as Buffer);
    const isUnexplained = event === 'close' && !hasFailed;
    hasFailed ||= event === 'error';
    if (event === 'close') {
      if (isUnexplained) emit('error', unexplained());
      return emit('close', true);
    }
    return emit(event, ...args);
  };
  socket.emit = (event: string | symbol, ...args: unknown[]) => {
    if (state !== 'established') return emitEarly(event, args);
    if (event === 'error') return true;
    if (event === 'close') return afterWrites(() => emit('close', false));
    return emit(event, ...args);
  };
  return socket;
}

/** Lets the driver, which first takes back what it was about to write, write it instead. */
function afterWrites(close: () => boolean): boolean {
  const { clearImmediate } = globalThis;
  globalThis.clearImmediate = (timer) => {
    globalThis.clearImmediate = clearImmediate;
    (timer as { _onImmediate?: (() => void) | null } | undefined)?._onImmediate?.();
    clearImmediate(timer);
  };
  try {
    return close();
  } finally {
    globalThis.clearImmediate = clearImmediate;
  }
}

function unexplained(): Error {
  const error = new Error('the connection ended before the session was established');
  return Object.assign(error, { code: 'ECONNRESET' });
}

function endOfMessage(bytes: Buffer): number | undefined {
  if (bytes.length < 1 + LENGTH_BYTES) return undefined;
  const end = 1 + bytes.readUInt32BE(1);
  return bytes.length < end ? undefined : end;
}

function queryMessage(text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.alloc(1 + LENGTH_BYTES);
  head[0] = QUERY!;
  head.writeUInt32BE(LENGTH_BYTES + body.length, 1);
  return Buffer.concat([head, body]);
}
