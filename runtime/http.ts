/**
 * Health and metrics of a process: /healthz says that the process runs, /readyz that it can work
 * now, and /metrics has what Prometheus collects.
 */

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Agent } from './lifecycle.ts';
import type { Metrics } from './metrics.ts';
import type { Readiness } from './readiness.ts';

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface HealthOptions {
  host: string;
  /** 0 picks a free port; see `port()`. */
  port: number;
  metrics: Metrics;
  readiness: Pick<Readiness, 'look'>;
  /** What works only in part while the process is ready, one sentence each, by its name. */
  troubles?: () => Record<string, string>;
}

export interface HealthServer extends Agent {
  /** The port in use; 0 before start. */
  port(): number;
}

/** The HTTP server behind a process's health port. */
export function createHealthServer(options: HealthOptions): HealthServer {
  const { host, port, metrics } = options;
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/healthz') reply(response, 200, { status: 'ok' });
    else if (path === '/metrics') replyText(response, metrics.write());
    else if (path === '/readyz') void replyReadiness(response, options);
    else
      reply(response, 404, { status: 'no such page', pages: ['/healthz', '/readyz', '/metrics'] });
  });
  return {
    name: 'health server',
    port: () => (server.address() as AddressInfo | null)?.port ?? 0,
    start: async () => {
      server.listen(port, host);
      await once(server, 'listening');
    },
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function replyReadiness(response: ServerResponse, options: HealthOptions) {
  const { readiness, troubles } = options;
  const { isReady, checks } = await readiness.look();
  const status = isReady ? 'ready' : 'not ready';
  reply(response, isReady ? 200 : 503, {
    status,
    checks,
    ...(troubles && { troubles: troubles() }),
  });
}

function reply(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

function replyText(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': METRICS_TYPE });
  response.end(text);
}
