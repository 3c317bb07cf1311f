/**
 * RELINK_POSTGRES_URL as people write it: `postgres://user:password@host:port/database?option=…`,
 * several hosts (`h1:5432,h2:5433`), a folder with a Unix socket (`%2Frun%2Fpostgresql` as host, or
 * `?host=/run/postgresql`), and libpq's TLS options.
 */
import type { ConnectionOptions } from 'node:tls';
import { type ConnectionOptions as Parsed, parse } from 'pg-connection-string';
import { PostgresUnfitError } from './postgresErrors.ts';

const DEFAULT_PORT = 5432;
/** Options of libpq that say nothing to the server, and are decided elsewhere or not needed here. */
const OF_CLIENTS = [
  ...['application_name', 'fallback_application_name', 'client_encoding', 'connect_timeout'],
  ...['keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count'],
  ...['target_session_attrs', 'load_balance_hosts', 'gssencmode', 'uselibpqcompat'],
  ...['sslmode', 'sslcert', 'sslkey', 'sslrootcert', 'sslcompression', 'sslsni', 'sslnegotiation'],
  ...['user', 'password', 'host', 'port', 'database', 'ssl', 'channel_binding'],
];
const WRITABLE = [undefined, 'any', 'read-write', 'primary'];

export interface PostgresHost {
  readonly host: string;
  readonly port: number;
  /** A Unix socket instead. */
  readonly path?: string;
}

export interface PostgresAddress {
  /** At least one; tried in turn. */
  readonly hosts: readonly PostgresHost[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly tls: ConnectionOptions | undefined;
  /** Without TLS when the server offers none. */
  readonly isTlsOptional: boolean;
  /** What is left of the options: sent to the server when a session begins. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Throws PostgresUnfitError `POSTGRES_URL`. */
export function parsePostgresUrl(url: string): PostgresAddress {
  const { start, hosts, rest } = splitUrl(url);
  const parsed = parseOne(`${start}${hosts[0]}${rest}`);
  const options = parsed as Parsed & Record<string, string | undefined>;
  refuseOptions(options);
  const all =
    hosts.length > 1
      ? hosts.flatMap((host) => hostsOf(parseOne(`${start}${host}${rest}`)))
      : hostsOf(parsed);
  const isTlsOptional = options.sslmode === 'prefer' || options.sslmode === 'allow';
  return {
    hosts: all,
    user: parsed.user || undefined,
    password: parsed.password || undefined,
    database: parsed.database || undefined,
    tls: tlsOf(parsed, isTlsOptional),
    isTlsOptional,
    parameters: Object.fromEntries(
      Object.entries(options).filter(
        (entry): entry is [string, string] =>
          typeof entry[1] === 'string' && !OF_CLIENTS.includes(entry[0]),
      ),
    ),
  };
}

/** The URL of another database on the same server. */
export function urlOfDatabase(url: string, name: string): string {
  const [, start = '', rest = ''] = /^([^:]+:\/\/[^/?]*)(?:\/[^?]*)?(\?.*)?$/.exec(url) ?? [];
  if (start === '') throw unreadable();
  return `${start}/${encodeURIComponent(name)}${rest}`;
}

function splitUrl(url: string) {
  const [, scheme, authority = '', rest = ''] =
    /^(postgres(?:ql)?:\/\/)([^/?]*)(.*)$/s.exec(url) ?? [];
  if (scheme === undefined) throw unreadable();
  const at = authority.lastIndexOf('@') + 1;
  const start = `${scheme}${authority.slice(0, at)}`;
  const hosts = authority.slice(at).split(',');
  // A forgotten name would be this machine, and a fail-over would end up there.
  if (hosts.length > 1 && hosts.includes('')) throw unreadable();
  return { start, hosts, rest };
}

function parseOne(url: string): Parsed {
  try {
    return parse(url, { useLibpqCompat: true });
  } catch (cause) {
    // The parser's message may hold the whole URL; its own sentences do not.
    const isFile = (cause as { code?: string }).code === 'ENOENT';
    throw isFile ? unfit((cause as Error).message, cause) : unreadable(cause);
  }
}

/** `?host=` and `?port=` may be lists too. */
function hostsOf({ host, port }: Parsed): PostgresHost[] {
  const ports = String(port || DEFAULT_PORT).split(',');
  const hosts = (host || 'localhost').split(',');
  if (hosts.includes('')) throw unreadable();
  return hosts.map((one, at) => {
    const number = Number(ports[at] ?? ports[0]);
    if (!Number.isInteger(number) || number < 1 || number > 65_535) throw unreadable();
    if (!one.startsWith('/')) return { host: one, port: number };
    return { host: one, port: number, path: `${one}/.s.PGSQL.${number}` };
  });
}

function tlsOf({ ssl }: Parsed, isOptional: boolean): ConnectionOptions | undefined {
  if (!ssl) return undefined;
  if (isOptional) return { rejectUnauthorized: false };
  return ssl === true ? {} : (ssl as ConnectionOptions);
}

function refuseOptions(options: Record<string, string | undefined>): void {
  if (options.channel_binding === 'require')
    throw unfit('channel_binding=require cannot be had; leave it out, and use sslmode=verify-full');
  if (!WRITABLE.includes(options.target_session_attrs))
    throw unfit(
      `target_session_attrs=${options.target_session_attrs} names a server that takes no writes; ` +
        'leave it out, or use read-write',
    );
}

function unreadable(cause?: unknown): PostgresUnfitError {
  const what =
    'it cannot be read; it looks like postgres://user:password@host:port/database, with any ' +
    'special character of the password percent-encoded';
  return unfit(what, cause);
}

function unfit(what: string, cause?: unknown): PostgresUnfitError {
  return new PostgresUnfitError('POSTGRES_URL', `RELINK_POSTGRES_URL: ${what}`, { cause });
}
