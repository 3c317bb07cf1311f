/**
 * The connection to NATS. The client's defaults are traps here: after ten failed reconnects it
 * closes for good, it notices a half-open connection after four minutes, and it records a stack
 * trace for every asynchronous operation.
 */

import { connect, type NatsConnection, type Status } from '@nats-io/transport-node';
import { CodedError } from './errors.ts';
import { type Log, silentLog } from './log.ts';

export type { NatsConnection } from '@nats-io/transport-node';

const PING_INTERVAL_MS = 10_000; // with two unanswered pings a half-open connection ends in 30 s
const MAX_PINGS_OUT = 2;
const RECONNECT_WAIT_MS = 250;
const RECONNECT_JITTER_MS = 250; // so that the processes do not all come back at the same instant
const CONNECT_TIMEOUT_MS = 5_000; // one attempt, not all of them
const STILL_WAITING_MS = 5_000;
const DRAIN_LIMIT_MS = 5_000; // a drain waits for the server, which may be gone

/** One filter subject per consumer, no pause, no metadata; older servers lack too much. */
const OLDEST_SERVER = '2.9.0';
/** Older ones have known faults in consumers and deduplication, fixed in this one. */
const RECOMMENDED_SERVER = '2.14.7';

export class NatsError extends CodedError<'server_too_old' | 'bad_url'> {}

export interface NatsOptions {
  /** Shown in the server's list of connections: `service/instance`. */
  name: string;
  log?: Log;
}

export interface NatsLink {
  connection: NatsConnection;
  serverVersion: string;
  /** False while the client is reconnecting. */
  isConnected(): boolean;
  /** Drains for a limited time, then closes. Finish consuming first. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Connects, however long the server takes to come up, and keeps reconnecting after that. `url`:
 * `nats://user:pass@host:port,host2:port2`, `nats://token@host`. Throws NatsError.
 */
export async function connectNats(url: string, options: NatsOptions): Promise<NatsLink> {
  const { name, log = silentLog } = options;
  const waiting = setInterval(() => log.warn('still waiting for NATS'), STILL_WAITING_MS);
  try {
    const connection = await connect({
      ...parseNatsUrl(url),
      name,
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      waitOnFirstConnect: true,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: MAX_PINGS_OUT,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      reconnectJitter: RECONNECT_JITTER_MS,
      noAsyncTraces: true,
    });
    return await verified(connection, log);
  } finally {
    clearInterval(waiting);
  }
}

/** Addresses and credentials of a URL as the client wants them. Throws NatsError `bad_url`. */
export function parseNatsUrl(url: string): {
  servers: string[];
  user?: string;
  pass?: string;
  token?: string;
} {
  const [, scheme = '', rest = ''] = /^(nats|tls):\/\/(.+)$/.exec(url) ?? [];
  // Credentials appear once, before the first host; an @ in a password must be escaped.
  const at = rest.indexOf('@');
  const hosts = rest.slice(at + 1).split(',');
  if (scheme === '' || hosts.some((host) => !/^[^\s/@]+$/.test(host))) {
    throw new NatsError(
      'bad_url',
      'a NATS URL looks like nats://[user:pass@]host:port[,host:port]',
    );
  }
  const servers = hosts.map((host) => (scheme === 'tls' ? `tls://${host}` : host));
  if (at < 0) return { servers };
  const [user = '', pass] = rest.slice(0, at).split(':').map(decodeURIComponent);
  return pass === undefined ? { servers, token: user } : { servers, user, pass };
}

/** Negative, zero or positive as `a` is older than, equal to or newer than `b`. */
export function compareVersions(a: string, b: string): number {
  const parts = (version: string) => version.split(/[.-]/).slice(0, 3).map(Number);
  const [left, right] = [parts(a), parts(b)];
  for (const [index, part] of left.entries()) {
    const difference = part - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

async function verified(connection: NatsConnection, log: Log): Promise<NatsLink> {
  const serverVersion = connection.info?.version ?? '0.0.0';
  if (compareVersions(serverVersion, OLDEST_SERVER) < 0) {
    await connection.close();
    throw new NatsError(
      'server_too_old',
      `nats-server ${serverVersion} is too old: ${OLDEST_SERVER} is needed, ` +
        `${RECOMMENDED_SERVER} or newer recommended`,
    );
  }
  if (compareVersions(serverVersion, RECOMMENDED_SERVER) < 0) {
    log.warn({ serverVersion, recommended: RECOMMENDED_SERVER }, 'nats-server is old');
  }
  log.info({ serverVersion, server: connection.getServer() }, 'connected to NATS');
  return watch(connection, serverVersion, log);
}

function watch(connection: NatsConnection, serverVersion: string, log: Log): NatsLink {
  let isConnected = true;
  const follow = async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect' || status.type === 'close') isConnected = false;
      if (status.type === 'reconnect') isConnected = true;
      logStatus(status, log);
    }
  };
  const following = follow();
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= closeInTime(connection, log).then(() => following);
    return closing;
  };
  return { connection, serverVersion, isConnected: () => isConnected, close };
}

function logStatus(status: Status, log: Log): void {
  const quiet =
    status.type === 'ping' || status.type === 'reconnecting' || status.type === 'update';
  const entry = 'error' in status ? { err: status.error } : { server: serverOf(status) };
  log[quiet ? 'debug' : 'warn'](entry, `NATS: ${status.type}`);
}

function serverOf(status: Status): string | undefined {
  return 'server' in status ? status.server : undefined;
}

async function closeInTime(connection: NatsConnection, log: Log): Promise<void> {
  if (connection.isClosed()) return;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, DRAIN_LIMIT_MS);
  });
  // A drain fails while the client is reconnecting; then it can only be closed.
  const drained = connection.drain().catch((error: unknown) => {
    log.warn({ err: error }, 'NATS: not drained');
  });
  await Promise.race([drained, limit]);
  clearTimeout(timer);
  await connection.close();
}
