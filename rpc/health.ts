/** grpc.health.v1: says whether a server takes calls, to probes and load balancers. */
import type { DescService } from '@bufbuild/protobuf';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../gen/grpc/health/v1/health_pb.ts';
import { Wake } from '../runtime/wake.ts';
import { RpcError } from './errors.ts';
import type { Handlers } from './handlers.ts';

const WATCH_POLL_MS = 60_000; // changes wake watchers at once; this only limits the cost of a lost wake

export interface HealthService {
  service: typeof Health;
  handlers: Handlers<typeof Health>;
  /** For a process that runs but cannot work, such as one without its database. */
  setServing(isServing: boolean): void;
  /** Says NOT_SERVING to all watchers and ends them. */
  stop(): void;
}

/** Health of a server with these services; `''` asks for the server as a whole. */
export function createHealthService(services: DescService[]): HealthService {
  const names = new Set(['', ...services.map(({ typeName }) => typeName)]);
  const watchers = new Set<Wake>();
  const stopped = new AbortController();
  let current: ServingStatus = ServingStatus.SERVING;
  const set = (next: ServingStatus) => {
    current = next;
    for (const watcher of watchers) watcher.wake();
  };
  const statusOf = (name: string) => (names.has(name) ? current : ServingStatus.SERVICE_UNKNOWN);

  async function* watch(name: string, signal: AbortSignal) {
    const wake = new Wake();
    watchers.add(wake);
    try {
      for (let last: ServingStatus | undefined; !signal.aborted; ) {
        const status = statusOf(name);
        if (status !== last) yield { status };
        last = status;
        if (stopped.signal.aborted) return;
        await wake.wait(WATCH_POLL_MS, signal);
      }
    } finally {
      watchers.delete(wake);
    }
  }

  return {
    service: Health,
    handlers: {
      check: ({ service }) => {
        if (names.has(service)) return { status: current };
        throw new RpcError('NOT_FOUND', 'ID_UNKNOWN', `no service ${service} here`);
      },
      watch: ({ service }, { signal }) => watch(service, signal),
    },
    setServing: (isServing) => set(isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING),
    stop: () => {
      stopped.abort();
      set(ServingStatus.NOT_SERVING);
    },
  };
}
