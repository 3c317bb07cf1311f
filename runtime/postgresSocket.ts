/**
 * The socket under a PostgreSQL connection, so that the driver sees every end of a connection as one
 * event.
 *
 * postgres.js 3.4.9 handles a reset in two: on `error` it rejects what was sent, on `close` it takes
 * the connection out of use. A query made in between (by the code whose query was just rejected) goes
 * to the dead connection and never settles, and its slot of the pool may be stuck for ever. Seen
 * under pg_terminate_backend; the test of the pool repeats it. So once the connection is established
 * its errors stay here, and the driver is told of the close alone, as of one without an error: then
 * it rejects everything and takes the connection out of use in one step.
 *
 * It also forgets to forget the last query of a connection. When the next one of its slot is refused
 * (a server that is starting up, a database that is gone) it waits for an end of that old query,
 * which never comes, and connects again without a pause and without telling anybody. So a
 * connection that closes before it is established closes with an error.
 */
import { Socket } from 'node:net';

/** ReadyForQuery, but for its last byte: the server says it when a session is established. */
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

/** The server sends it last and waits, so it ends a piece; one that is cut in two is seen later. */
function endsReady(bytes: Buffer): boolean {
  const end = bytes.subarray(-READY_BYTES);
  return end.length === READY_BYTES && end.subarray(0, READY.length).equals(READY);
}

/** What the driver has read of a URL: one entry for each of its hosts. */
interface DriverAddresses {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** A Unix socket instead. */
  readonly path: string | false | undefined;
}

/**
 * The driver's `socket` option for one pool. Not connected yet: the driver writes at once, which
 * waits for the connection, and hears of a failure as of any other. Hosts are tried in turn.
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
