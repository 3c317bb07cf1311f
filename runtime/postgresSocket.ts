/**
 * The socket under a PostgreSQL connection, so that the driver sees every end of a connection as
 * one event.
 *
 * postgres.js 3.4.9 handles a reset in two steps: on `error` it rejects what was sent, on `close`
 * it takes the connection out of use. A query made in between (by the code whose query was just
 * rejected) goes to the dead connection and never settles, and its slot in the pool may be stuck
 * forever. Seen under pg_terminate_backend; the test of the pool reproduces it. So once the
 * connection is established, its errors stop here and the driver only sees a close without an
 * error: then it rejects everything and takes the connection out of use in one step.
 *
 * It also fails to clear the last query of a connection. When the next connection of its slot is
 * refused (a server that is starting up, a database that is gone) it waits for that old query to
 * end, which never happens, and silently reconnects without a pause. So a connection that closes
 * before it is established closes with an error.
 */
import { Socket } from 'node:net';

/** ReadyForQuery without its last byte: the server sends it when a session is established. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5]);
const READY_BYTES = READY.length + 1;

class PostgresSocket extends Socket {
  #isEstablished = false;
  #hasFailed = false;

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'data') this.#isEstablished ||= endsReady(args[0] as Buffer);
    if (!this.#isEstablished) return this.#emitEarly(event, args);
    if (event === 'error') return true;
    if (event === 'close') return super.emit('close', false);
    return super.emit(event as 'error', ...(args as [Error]));
  }

  #emitEarly(event: string | symbol, args: unknown[]): boolean {
    const isUnexplained = event === 'close' && !this.#hasFailed;
    this.#hasFailed ||= event === 'error';
    if (!isUnexplained) return super.emit(event as 'error', ...(args as [Error]));
    const error = new Error('the connection ended before the session was established');
    super.emit('error', Object.assign(error, { code: 'ECONNRESET' }));
    return super.emit('close', true);
  }
}

/**
 * The server sends it last and then waits, so it ends a chunk; if it is split in two, a later one
 * counts.
 */
function endsReady(bytes: Buffer): boolean {
  const end = bytes.subarray(-READY_BYTES);
  return end.length === READY_BYTES && end.subarray(0, READY.length).equals(READY);
}

/** What the driver parsed from a URL: one entry for each of its hosts. */
interface DriverAddresses {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** A Unix socket instead. */
  readonly path: string | false | undefined;
}

/**
 * The driver's `socket` option for one pool. The socket is still connecting: what the driver writes
 * waits for the connection, and a failure reaches it like any other. Hosts are tried in turn.
 */
export function socketOpener(): (addresses: DriverAddresses) => Socket {
  let opened = 0;
  return ({ host, port, path }) => {
    const socket = new PostgresSocket();
    const turn = opened++ % host.length;
    if (path) socket.connect(path);
    else socket.connect(port[turn]!, host[turn]!);
    return socket;
  };
}
