/**
 * Addresses as people and programs write them: `host:port`, and `[::1]:port` where the host is an
 * IPv6 address, whose own colons would hide where the port begins. Joined and split here only.
 */
import { isIPv6 } from 'node:net';

const MAX_PORT = 65_535;

export interface Address {
  /** Without brackets, as sockets want it. */
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:7101` or `[::1]:7101`; with a scheme before it, the beginning of a URL. */
export function joinAddress(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The parts of an address; undefined when the text is none. */
export function splitAddress(text: string): Address | undefined {
  const [, bracketed, name, digits] =
    /^(?:\[([^\]]+)\]|([^\s:/|,=[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  if (bracketed !== undefined && !isIPv6(bracketed)) return undefined;
  const [host, port] = [bracketed ?? name, Number(digits)];
  return host === undefined || port > MAX_PORT ? undefined : { host, port };
}
