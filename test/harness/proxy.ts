/**
 * A TCP proxy that breaks connections as networks do, between a client and PostgreSQL, NATS or a
 * gRPC server.
 */

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Owner } from './owner.ts';

export type Direction = 'toServer' | 'toClient';
export type Target = { host?: string; port: number };

/** Both ends of a connection through the proxy. */
type Pair = { client: Socket; server: Socket; ways: Waiting[] };

/** What waits for its delay in one direction of a connection, first in first out. */
type Waiting = { queue: { dueAtMs: number; act: () => void }[]; timer?: NodeJS.Timeout };

export class FaultProxy {
  readonly host = '127.0.0.1';
  readonly #target: Required<Target>;
  readonly #pairs = new Set<Pair>();
  readonly #silent = new Set<Direction>();
  #listener: Server | undefined;
  #port = 0;
  #delayMs = 0;

  constructor(target: Target) {
    this.#target = { host: '127.0.0.1', ...target };
  }

  get port(): number {
    return this.#port;
  }

  /** host:port, for gRPC clients. */
  get address(): string {
    return `${this.host}:${this.#port}`;
  }

  /** The same URL with the proxy's host and port. */
  through(url: string): string {
    const proxied = new URL(url);
    proxied.host = this.address;
    return proxied.href;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Pieces that wait for their delay now. */
  get delayed(): number {
    const ways = [...this.#pairs].flatMap((pair) => pair.ways);
    return ways.reduce((sum, { queue }) => sum + queue.length, 0);
  }

  async start(): Promise<void> {
    if (this.#listener) return;
    // Half-open as TCP has it: an end of one direction is passed on, the other goes on.
    const listener = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    this.#listener = listener;
    listener.listen(this.#port, this.host);
    await once(listener, 'listening');
    this.#port = (listener.address() as { port: number }).port;
  }

  /** Breaks all connections at once (RST); new ones are accepted. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /** Connections are refused from now on, existing ones broken, as when a server is down. */
  async refuse(): Promise<void> {
    const listener = this.#listener;
    if (!listener) return;
    this.#listener = undefined;
    const closed = once(listener, 'close');
    listener.close();
    this.cut();
    await closed;
  }

  /**
   * Takes bytes and never delivers them, without closing anything: a half-open connection. Only
   * `toClient`: requests arrive and are executed, answers are lost.
   */
  blackHole(directions: readonly Direction[] = ['toServer', 'toClient']): void {
    for (const direction of directions) this.#silent.add(direction);
  }

  /** Delivers every byte so much later, in order, both ways. */
  delay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Everything works again for new connections; what a black hole swallowed stays lost. */
  async restore(): Promise<void> {
    this.#delayMs = 0;
    const hadHole = this.#silent.size > 0;
    this.#silent.clear();
    // Bytes are missing in those streams: going on with them would be worse than any network.
    if (hadHole) this.cut();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.refuse();
  }

  #accept(client: Socket): void {
    const { host, port } = this.#target;
    const server = connect({ host, port, allowHalfOpen: true });
    client.setNoDelay(true);
    server.setNoDelay(true);
    const there = this.#forward(client, server, 'toServer');
    const back = this.#forward(server, client, 'toClient');
    const pair: Pair = { client, server, ways: [there, back] };
    this.#pairs.add(pair);
    const end = () => {
      for (const { timer } of pair.ways) clearTimeout(timer);
      client.destroy();
      server.destroy();
      this.#pairs.delete(pair);
    };
    for (const socket of [client, server]) {
      // An error here is the fault we make, or the end of a side: either ends both.
      socket.on('error', end);
      socket.on('close', end);
    }
  }

  #forward(from: Socket, to: Socket, direction: Direction): Waiting {
    const waiting: Waiting = { queue: [] };
    const deliver = (act: () => void) => {
      if (this.#silent.has(direction)) return;
      if (this.#delayMs === 0 && waiting.queue.length === 0) return act();
      waiting.queue.push({ dueAtMs: performance.now() + this.#delayMs, act });
      if (waiting.queue.length === 1) this.#wakeAtHead(waiting, direction);
    };
    from.on('data', (bytes) => {
      deliver(() => {
        if (to.writable && !to.write(bytes)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
    });
    from.on('end', () => deliver(() => to.end()));
    return waiting;
  }

  /** One after the other, so that a shorter delay later overtakes nothing. */
  #wakeAtHead(waiting: Waiting, direction: Direction): void {
    const head = waiting.queue[0];
    if (!head) return;
    const afterMs = Math.max(0, head.dueAtMs - performance.now());
    waiting.timer = setTimeout(() => {
      if (!this.#silent.has(direction)) head.act();
      waiting.queue.shift();
      this.#wakeAtHead(waiting, direction);
    }, afterMs);
  }
}

/** A started proxy in front of `target`, stopped after the test. */
export async function startProxy(t: Owner, target: Target): Promise<FaultProxy> {
  const proxy = new FaultProxy(target);
  await proxy.start();
  t.after(() => proxy.stop());
  return proxy;
}
