/**
 * Refreshes the legs and the traffic of the live view, and slows down traffic that overloads the
 * machine.
 */
import { messageOf } from '../../runtime/errors.ts';
import { repeat } from '../../runtime/wake.ts';
import type { DemoStack } from '../stack.ts';
import type { LatencyWindow } from '../traffic/latencies.ts';
import { perSecond, slowDownIfOverloaded } from '../traffic/rate.ts';
import type { Traffic } from '../traffic/traffic.ts';
import type { DemoProgress } from './progress.ts';

const LEGS_EVERY_MS = 500;
const TRAFFIC_EVERY_MS = 1_000;

export function refreshView(
  { stack, progress }: { stack: DemoStack; progress: DemoProgress },
  traffic: Traffic,
) {
  const showError = (error: unknown) => progress.say(messageOf(error));
  const legs = repeat(
    LEGS_EVERY_MS,
    async (signal) => {
      const { links } = await stack.operator.listLinks({}, { signal });
      progress.legs = links.flatMap(({ id, legs }) => legs.map((leg) => ({ link: id, leg })));
    },
    showError,
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
      slowDownIfOverloaded(traffic);
      const { requests } = traffic.counts;
      const failed = traffic.failedRequests;
      progress.traffic =
        requests > 0 ? { ratePerSecond, requests, failed, p50Ms, p99Ms } : undefined;
    },
    showError,
  );
  return { stop: () => Promise.all([legs.stop(), rates.stop()]) };
}
