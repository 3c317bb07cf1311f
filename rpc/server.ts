/**
 * A gRPC server as an agent. Stopping is graceful but limited, because grpc-js waits for open
 * streams forever: health says NOT_SERVING, streams are asked to end, new calls are refused, and
 * calls still open at the limit are cut off.
 */
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { joinAddress } from '../runtime/address.ts';
import type { Agent } from '../runtime/lifecycle.ts';
import { type Log, silentLog } from '../runtime/log.ts';
import type { Histogram, Metrics } from '../runtime/metrics.ts';
import { defineService } from './definition.ts';
import { adapt, type CallSetting, type Handlers } from './handlers.ts';
import { createHealthService } from './health.ts';
import { createReflection } from './reflection.ts';
import { compileRules } from './validation.ts';

const STOP_LIMIT_MS = 5_000; // longer than the deadline of a link call
const KEEPALIVE_EVERY_MS = 30_000;
const KEEPALIVE_LIMIT_MS = 10_000;

// enable_channelz stays on: without it grpc-js 1.14 does not keep its list of connections, and
// forceShutdown closes none.
const SERVER_OPTIONS = {
  'grpc.keepalive_time_ms': KEEPALIVE_EVERY_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_LIMIT_MS,
};

/** A service and its handlers, checked against each other by serve(). */
export interface ServedService {
  service: DescService;
  handlers: Record<string, unknown>;
  /** False where bad requests are kept instead of refused: events that become dead letters. */
  validate?: boolean;
}

/** Pairs a service with a handler for each of its methods. */
export function serve<S extends DescService>(service: S, handlers: Handlers<S>): ServedService {
  return { service, handlers: handlers as Record<string, unknown> };
}

export interface RpcServerOptions {
  host: string;
  /** 0 picks a free one; see `port()`. */
  port: number;
  services: ServedService[];
  log?: Log;
  metrics?: Metrics;
  /** Check requests against their .proto rules. Default true. */
  validate?: boolean;
  /** Default true. */
  reflection?: boolean;
  /** Default true. */
  health?: boolean;
  /** How long open calls may take to end. */
  stopLimitMs?: number;
}

export interface RpcServer extends Agent {
  /** The port in use; 0 before start. */
  port(): number;
  /** `host:port`, or `[::1]:port`. */
  address(): string;
  /** What grpc.health.v1 says; true from the start. */
  setServing(isServing: boolean): void;
}

/** Creates a server; it takes calls after `start()`. The rules of requests are compiled here. */
export function createRpcServer(options: RpcServerOptions): RpcServer {
  const { host, services, log = silentLog, stopLimitMs = STOP_LIMIT_MS } = options;
  const server = new Server(SERVER_OPTIONS);
  const stopping = new AbortController();
  const own = services.map(({ service }) => service);
  const health = createHealthService(own);
  const setting: CallSetting = {
    log,
    stopping: stopping.signal,
    validate: options.validate === false ? undefined : compileRules(own),
    ...(options.metrics === undefined ? {} : { observe: observeInto(options.metrics) }),
  };
  const served: ServedService[] = [...services];
  if (options.health !== false) served.push(serve(health.service, health.handlers));
  if (options.reflection !== false) {
    const visible = served.map(({ service }) => service);
    served.push(...(createReflection(visible) as unknown as ServedService[]));
  }
  for (const one of served) addService(server, one, setting);

  let port = 0;
  let stopped: Promise<void> | undefined;
  return {
    name: 'gRPC server',
    port: () => port,
    address: () => joinAddress(host, port),
    setServing: health.setServing,
    start: async () => {
      port = await bind(server, host, options.port);
      log.info({ address: joinAddress(host, port) }, 'gRPC server listens');
    },
    stop: () => {
      stopped ??= stopServer(server, stopLimitMs, log, () => {
        health.stop();
        stopping.abort();
      });
      return stopped;
    },
  };
}

function addService(server: Server, served: ServedService, shared: CallSetting) {
  const { service, handlers } = served;
  const setting = served.validate === false ? { ...shared, validate: undefined } : shared;
  const implementation: UntypedServiceImplementation = {};
  for (const method of service.methods) {
    const handler = handlers[method.localName];
    if (handler === undefined) throw new Error(`${service.typeName}/${method.name} has no handler`);
    implementation[method.localName] = adapt(method, handler, setting);
  }
  server.addService(defineService(service), implementation);
}

function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(
      joinAddress(host, port),
      ServerCredentials.createInsecure(),
      (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      },
    );
  });
}

async function stopServer(server: Server, limitMs: number, log: Log, announce: () => void) {
  announce();
  const ended = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    log.warn({ limitMs }, 'gRPC server: cutting off open calls');
    server.forceShutdown();
    ended.resolve();
  }, limitMs);
  server.tryShutdown(() => ended.resolve());
  await ended.promise;
  clearTimeout(timer);
}

function observeInto(metrics: Metrics): NonNullable<CallSetting['observe']> {
  const durations = metrics.histogram('relink_rpc_server_seconds', 'Duration of served calls');
  const series = new Map<DescMethod, Map<string, Histogram>>();
  return (method, code, seconds) => {
    const byCode = series.get(method) ?? new Map<string, Histogram>();
    series.set(method, byCode);
    const labels = () => ({ service: method.parent.typeName, method: method.name, code });
    const one = byCode.get(code) ?? durations.labels(labels());
    byCode.set(code, one);
    one.observe(seconds);
  };
}
