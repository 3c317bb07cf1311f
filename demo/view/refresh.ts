/** Keeps the live view's legs and traffic fresh, and the traffic bearable. */
import { repeat } from '../../runtime/wake.ts';
import type { Site } from '../stack.ts';
import type { LatencyWindow } from '../traffic/latencies.ts';
import type { Traffic } from '../traffic/traffic.ts';
import type { DemoModel } from './progress.ts';

const LEGS_EVERY_MS = 500;
const TRAFFIC_EVERY_MS = 1_000;

export function watchSystem({ site, model }: { site: Site; model: DemoModel }, traffic: Traffic) {
  const complain = (error: unknown) => model.say(String((error as Error).message ?? error));
  const legs = repeat(
    LEGS_EVERY_MS,
    async (signal) => {
      const { links } = await site.operator.listLinks({}, { signal });
      model.legs = links.flatMap(({ id, legs }) => legs.map((leg) => ({ link: id, leg })));
    },
    complain,
  );
  let window: LatencyWindow = traffic.latencies.openWindow();
  let openedMs = performance.now();
  const rates = repeat(
    TRAFFIC_EVERY_MS,
    () => {
      const { count, p50Ms, p99Ms } = window.close();
      const nowMs = performance.now();
      const ratePerSecond = perSecond(count, nowMs - openedMs);
      [window, openedMs] = [traffic.latencies.openWindow(), nowMs];
      easeTraffic(traffic);
      const { requests } = traffic.counts;
      const failed = countFailed(traffic);
      model.traffic = requests > 0 ? { ratePerSecond, requests, failed, p50Ms, p99Ms } : undefined;
    },
    complain,
  );
  return { stop: () => Promise.all([legs.stop(), rates.stop()]) };
}

/**
 * Callers give way when answers take this long on average: a machine that something else keeps busy
 * would else drown in requests, and show nothing about migrations. Nobody comes back afterwards, so
 * that before and after can be compared.
 */
const GIVE_WAY_SECONDS = 2;
const GIVE_WAY_TO = 0.7;
/** A few requests a second let every link carry something. */
const LEAST_RATE = 10;

export function easeTraffic(traffic: Pick<Traffic, 'waiting' | 'ratePerSecond'>): void {
  const { waiting, ratePerSecond } = traffic;
  if (waiting <= ratePerSecond * GIVE_WAY_SECONDS) return;
  const eased = Math.max(LEAST_RATE, Math.floor(ratePerSecond * GIVE_WAY_TO));
  traffic.ratePerSecond = Math.min(ratePerSecond, eased);
}

/** Requests that were not acknowledged or could not be sent. */
export function countFailed(traffic: Traffic): number {
  const { failed, shed } = traffic.counts;
  return failed + shed;
}

export function perSecond(count: number, elapsedMs: number): number {
  return Math.round((count * 1_000) / Math.max(1, elapsedMs));
}
