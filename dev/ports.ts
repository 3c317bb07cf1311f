/** Which port every process of a stack listens on. */

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
/** Highest offset that `portsFrom` adds to the base, so that a base can be checked. */
const HIGHEST_OFFSET = HTTP_OFFSET + Math.max(...SERVICES.map(({ portOffset }) => portOffset));

/**
 * Free ports are taken from below the range that the kernel gives to outgoing connections
 * (from 32768 on Linux): there, a port found free is soon somebody's connection.
 */
const FREE_PORT_FIRST = 15_000;
const FREE_PORT_LAST = 32_000;
const FREE_PORT_TRIES = 500;

const handedOut = new Set<number>();

/** The documented ports, moved so that the operator's console has `base`. */
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
    // `base` itself is the console's; health and metrics are 1000 above it, as of every process.
    operator: { http: base + HTTP_OFFSET, grpc: base + 1 },
    services: Object.fromEntries(services),
    postgres: base + 62,
    nats: base + 72,
    natsMonitor: base + 73,
  };
}

/** Ports for a whole stack that nobody uses, for the demo and for tests. */
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
 * `count` ports on which nobody listens, never the same twice from one process. Somebody else may
 * still take one before it is used: who can let a server choose its port itself should.
 */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const found: number[] = [];
  for (let tries = 0; found.length < count; tries++) {
    if (tries >= FREE_PORT_TRIES + count) {
      throw new ServerError('port_taken', `no ${count} free ports found on ${host}`);
    }
    const port = randomInt(FREE_PORT_FIRST, FREE_PORT_LAST);
    if (handedOut.has(port) || !(await isPortFree(port, host))) continue;
    handedOut.add(port);
    found.push(port);
  }
  return found;
}

/** Whether a server could listen on the port now. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Every port of a stack with the name of who listens on it. */
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
