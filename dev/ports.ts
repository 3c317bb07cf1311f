/** The ports that the processes of a stack listen on. */

import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { ServerError } from './servers/errors.ts';
import { SERVICES } from './services.ts';

export interface ServicePorts {
  grpc: number;
  http: number;
}

export interface StackPorts {
  operator: ServicePorts;
  services: Record<string, ServicePorts>;
  postgres: number;
  nats: number;
  natsMonitor: number;
}

export const DEFAULT_PORT_BASE = 7070;
/** Health and metrics of a service: its gRPC port + 1000. */
const HTTP_OFFSET = 1000;
/** The highest offset that `portsFrom` adds, to check a base with. */
const HIGHEST_OFFSET = HTTP_OFFSET + Math.max(...SERVICES.map(({ portOffset }) => portOffset));

/**
 * Free ports are taken from below the range of outgoing connections (32768 and up on Linux): in
 * that range, a free port is soon used by some connection.
 */
const FREE_PORT_FIRST = 15_000;
const FREE_PORT_LAST = 32_000;
const FREE_PORT_TRIES = 500;

const NOT_OF_THIS_MACHINE = ['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EAFNOSUPPORT', 'EINVAL'];

const handedOut = new Set<number>();

/** The documented ports, shifted so that the operator's console is on `base`. */
export function portsFrom(base: number = DEFAULT_PORT_BASE): StackPorts {
  if (!Number.isInteger(base) || base < 1024 || base + HIGHEST_OFFSET > 65_535) {
    throw new RangeError(
      `port base must be a whole number from 1024 to ${65_535 - HIGHEST_OFFSET}, not ${base}`,
    );
  }
  const services = SERVICES.map(({ name, portOffset }) => {
    const grpc = base + portOffset;
    return [name, { grpc, http: grpc + HTTP_OFFSET }] as const;
  });
  return {
    // `base` itself is the console's; health and metrics are 1000 above it, as for every process.
    operator: { http: base + HTTP_OFFSET, grpc: base + 1 },
    services: Object.fromEntries(services),
    postgres: base + 62,
    nats: base + 72,
    natsMonitor: base + 73,
  };
}

/** Free ports for a whole stack, for the demo and for tests. */
export async function freeStackPorts(host?: string): Promise<StackPorts> {
  const ports = await freePorts(5 + SERVICES.length * 2, host);
  const next = () => ports.pop() as number;
  return {
    operator: { http: next(), grpc: next() },
    services: Object.fromEntries(
      SERVICES.map(({ name }) => [name, { grpc: next(), http: next() }]),
    ),
    postgres: next(),
    nats: next(),
    natsMonitor: next(),
  };
}

/**
 * `count` ports on which nobody listens, never the same twice in one process. Another program may
 * take one before it is used, so prefer to let a server choose its port where it can.
 */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const found: number[] = [];
  for (let tries = 0; found.length < count; tries++) {
    if (tries >= FREE_PORT_TRIES + count) {
      throw new ServerError('port_taken', `cannot find ${count} free ports on ${host}`);
    }
    const port = randomInt(FREE_PORT_FIRST, FREE_PORT_LAST);
    if (handedOut.has(port) || !(await isPortFree(port, host))) continue;
    handedOut.add(port);
    found.push(port);
  }
  return found;
}

/** Whether a server could listen on the port now. Throws `host_unusable`. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (NOT_OF_THIS_MACHINE.includes(cause.code ?? '')) reject(hostUnusable(host, cause));
      else resolve(false);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function hostUnusable(host: string, cause: Error): ServerError {
  const text =
    `nothing can listen on ${host} (${cause.message}): set RELINK_HOST to an address or a name of ` +
    'this machine, an IPv6 address without brackets (::1)';
  return new ServerError('host_unusable', text, { cause });
}

/** Every port of a stack with the name of its listener. */
export function namedPorts(ports: StackPorts): { name: string; port: number }[] {
  return [
    { name: 'operator health', port: ports.operator.http },
    { name: 'operator gRPC', port: ports.operator.grpc },
    ...Object.entries(ports.services).flatMap(([name, { grpc, http }]) => [
      { name: `${name} gRPC`, port: grpc },
      { name: `${name} health and metrics`, port: http },
    ]),
    { name: 'PostgreSQL', port: ports.postgres },
    { name: 'NATS', port: ports.nats },
    { name: 'NATS monitoring', port: ports.natsMonitor },
  ];
}
