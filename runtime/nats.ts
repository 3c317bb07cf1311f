/**
 * The connection to NATS. The client's defaults are traps here: after ten failed reconnects, or two
 * refusals of the credentials, it closes for good; a subscription that was refused once never comes
 * back; it notices a half-open connection after four minutes; and it records a stack trace for every
 * asynchronous operation.
 */

import { jetstreamManager } from '@nats-io/jetstream';
import {
  connect,
  type Msg,
  type NatsConnection,
  PermissionViolationError,
  type Status,
} from '@nats-io/transport-node';
import { CodedError } from './errors.ts';
import { type Log, silentLog } from './log.ts';
import { reasonOf } from './natsErrors.ts';
import { pause, repeat } from './wake.ts';

export type { NatsConnection } from '@nats-io/transport-node';

const PING_INTERVAL_MS = 10_000; // with two unanswered pings a half-open connection ends in 30 s
const MAX_PINGS_OUT = 2;
const RECONNECT_WAIT_MS = 250;
const RECONNECT_JITTER_MS = 250; // so that the processes do not all come back at the same instant
const CONNECT_TIMEOUT_MS = 5_000; // one attempt, not all of them
const STILL_WAITING_MS = 5_000;
/** How soon a refused subscription is tried again: somebody has to give the permission back. */
const RESUBSCRIBE_MS = 2_000;
/** The server's own default: a smaller one was set by somebody, who may raise it. */
const DEFAULT_MAX_PAYLOAD = 1_048_576;
/** How often a second connection looks for what the client does not tell. */
const LOOK_MS = 5_000;
/** Shorter than the limit of a readiness check, which would not say what is the matter. */
const ANSWER_MS = 800;
const DRAIN_LIMIT_MS = 5_000; // a drain waits for the server, which may be gone

/** One filter subject per consumer, no pause, no metadata; older servers lack too much. */
const OLDEST_SERVER = '2.9.0';
/** Older ones have known faults in consumers and deduplication, fixed in this one. */
const RECOMMENDED_SERVER = '2.14.7';

export class NatsError extends CodedError<'server_too_old' | 'bad_url' | 'lost'> {}

export interface NatsOptions {
  /** Shown in the server's list of connections: `service/instance`. */
  name: string;
  log?: Log;
}

/** Addresses and credentials as the client wants them. */
interface NatsAccess {
  name?: string;
  servers: string[];
  user?: string;
  pass?: string;
  token?: string;
}

export interface NatsLink {
  connection: NatsConnection;
  serverVersion: string;
  /** False while the client is reconnecting. */
  isConnected(): boolean;
  /** Why it is not connected, as far as the client knows; empty while it is. */
  problem(): string;
  /** Rejects with the reason when JetStream cannot be used now. */
  check(): Promise<void>;
  /** Rejects when the client gave the connection up: the process has to end and start again. */
  readonly lost: Promise<never>;
  /** Drains for a limited time, then closes. Finish consuming first. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Connects, however long the server takes to come up, and keeps reconnecting after that. `url`:
 * `nats://user:pass@host:port,host2:port2`, `nats://token@host`. Throws NatsError.
 */
export async function connectNats(url: string, options: NatsOptions): Promise<NatsLink> {
  const { name, log = silentLog } = options;
  const server = parseNatsUrl(url);
  let saidAtMs = performance.now();
  for (;;) {
    try {
      return await verified(await connect({ ...server, ...BEHAVIOUR, name }), options, server);
    } catch (error) {
      if (error instanceof NatsError) throw error;
      if (performance.now() - saidAtMs >= STILL_WAITING_MS) {
        saidAtMs = performance.now();
        log.warn({ reason: reasonOf(error) }, 'still waiting for NATS');
      }
      await pause(RECONNECT_WAIT_MS + Math.random() * RECONNECT_JITTER_MS);
    }
  }
}

const BEHAVIOUR = {
  timeout: CONNECT_TIMEOUT_MS,
  maxReconnectAttempts: -1,
  // Credentials may be right again in a moment: when both sides get new ones, or a server restarts.
  ignoreAuthErrorAbort: true,
  pingInterval: PING_INTERVAL_MS,
  maxPingOut: MAX_PINGS_OUT,
  reconnectTimeWait: RECONNECT_WAIT_MS,
  reconnectJitter: RECONNECT_JITTER_MS,
  noAsyncTraces: true,
};

export interface StandingSubscription {
  unsubscribe(): void;
}

/**
 * Subscribes, and again whenever the server refuses it, for as long as the connection lives. What
 * `onMessage` throws goes to `onProblem`: thrown into the client, it would end its reading.
 */
export function keepSubscribed(
  nats: NatsConnection,
  subject: string,
  onMessage: (message: Msg) => void,
  onProblem: (problem: unknown) => void,
  options: { readonly queue?: string } = {},
): StandingSubscription {
  let timer: NodeJS.Timeout | undefined;
  const callback = (error: Error | null, message: Msg) => {
    if (error) {
      timer = setTimeout(open, RESUBSCRIBE_MS).unref();
      return onProblem(error);
    }
    try {
      onMessage(message);
    } catch (problem) {
      onProblem(problem);
    }
  };
  const subscribe = () => nats.subscribe(subject, { ...options, callback });
  const open = () => {
    if (!nats.isClosed() && !nats.isDraining()) current = subscribe();
  };
  let current = subscribe();
  return {
    unsubscribe: () => {
      clearTimeout(timer);
      current.unsubscribe();
    },
  };
}

/** Addresses and credentials of a URL as the client wants them. Throws NatsError `bad_url`. */
export function parseNatsUrl(url: string): NatsAccess {
  const [, scheme = '', rest = ''] = /^(nats|tls):\/\/(.+)$/.exec(url) ?? [];
  // Credentials appear once, before the first host; an @ in a password must be escaped.
  const at = rest.indexOf('@');
  const hosts = rest.slice(at + 1).split(',');
  if (scheme === '' || at === 0 || !hosts.every(isAddress)) throw badUrl();
  const servers = hosts.map((host) => (scheme === 'tls' ? `tls://${host}` : host));
  if (at < 0) return { servers };
  const [, user = '', pass] = /^([^:]*)(?::(.*))?$/.exec(rest.slice(0, at)) ?? [];
  if (pass === undefined) return { servers, token: decoded(user) };
  return { servers, user: decoded(user), pass: decoded(pass) };
}

/** `host`, `host:port` or `[IPv6]:port`. */
function isAddress(host: string): boolean {
  return /^[^\s/@]+$/.test(host) && URL.canParse(`nats://${host}`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl(
      '; a % or another special character of the credentials is written as %25 and so on',
    );
  }
}

function badUrl(more = ''): NatsError {
  const what = 'a NATS URL looks like nats://[user:pass@]host:port[,host:port]';
  return new NatsError('bad_url', what + more);
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

async function verified(
  connection: NatsConnection,
  { name, log = silentLog }: NatsOptions,
  access: NatsAccess,
): Promise<NatsLink> {
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
  return watch(connection, serverVersion, log, { ...access, name: `${name}/look` });
}

/** A second connection to the server that the first one uses. Closed at once. */
async function lookAt(connection: NatsConnection, access: NatsAccess) {
  const servers = [connection.getServer()];
  const other = await connect({ ...access, ...BEHAVIOUR, servers, reconnect: false });
  const { info } = other;
  await other.close();
  return info;
}

/**
 * The client learns `max_payload` only when it connects, and a reload of the server changes it: while
 * it is small, a second connection looks whether it still is.
 */
async function followLimits(connection: NatsConnection, access: NatsAccess): Promise<void> {
  const known = connection.info?.max_payload;
  if (known === undefined || known >= DEFAULT_MAX_PAYLOAD) return;
  const found = (await lookAt(connection, access))?.max_payload ?? known;
  if (found > known && !connection.isClosed()) await connection.reconnect();
}

function watch(
  connection: NatsConnection,
  serverVersion: string,
  log: Log,
  access: NatsAccess,
): NatsLink {
  let isConnected = true;
  let refusal = '';
  const follow = async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect' || status.type === 'close') isConnected = false;
      if (status.type === 'reconnect') isConnected = true;
      if (status.type === 'reconnect') refusal = '';
      if (status.type === 'error' && !(status.error instanceof PermissionViolationError))
        refusal = reasonOf(status.error);
      logStatus(status, log);
    }
  };
  const following = follow();
  // Why it cannot reconnect (a certificate, a name that is gone) the client keeps to itself.
  const look = async () => {
    if (isConnected) return followLimits(connection, access);
    const reason = await lookAt(connection, access).then(() => '', reasonOf);
    if (!isConnected && reason !== '') refusal = reason;
  };
  const looking = repeat(LOOK_MS, look, (error) =>
    log.debug({ err: error }, 'could not look whether NATS takes larger messages now'),
  );
  let closing: Promise<void> | undefined;
  const lost = connection.closed().then((error) => {
    if (closing) return new Promise<never>(() => {}); // closed on purpose
    throw new NatsError('lost', `the connection to NATS ended for good: ${reasonOf(error)}`);
  });
  lost.catch(() => undefined); // whoever runs the process looks at it
  const check = async () => {
    if (problem() !== '') throw new Error(problem());
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: ANSWER_MS });
    await manager.getAccountInfo();
  };
  const problem = () =>
    isConnected ? '' : refusal || `no connection to ${connection.getServer()}`;
  const close = () => {
    closing ??= Promise.all([closeInTime(connection, log), looking.stop()]).then(() => following);
    return closing;
  };
  return {
    connection,
    serverVersion,
    isConnected: () => isConnected,
    problem,
    check: () => check().catch(explain),
    lost,
    close,
  };
}

function explain(error: unknown): never {
  throw new Error(`NATS: ${reasonOf(error)}`, { cause: error });
}

function logStatus(status: Status, log: Log): void {
  const quiet =
    status.type === 'ping' ||
    status.type === 'reconnecting' ||
    status.type === 'update' ||
    // Whoever published says so, once a message.
    (status.type === 'error' && isRefusedPublish(status.error));
  const entry = 'error' in status ? { err: status.error } : { server: serverOf(status) };
  log[quiet ? 'debug' : 'warn'](entry, `NATS: ${status.type}`);
}

function isRefusedPublish(error: Error): boolean {
  return error instanceof PermissionViolationError && error.operation === 'publish';
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
