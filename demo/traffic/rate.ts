/** Keeps the request rate at what the machine can carry. */
import type { Traffic } from './traffic.ts';

/**
 * The traffic slows down when answers take this long on average: on a machine that is busy with
 * something else, requests would pile up and the demo would show nothing about migrations. It does
 * not speed up again, so that before and after can be compared.
 */
const OVERLOADED_SECONDS = 2;
const SLOWDOWN = 0.7;
/** A few requests a second still give every link something to carry. */
const MIN_RATE = 10;

/** Lowers the rate when requests pile up. */
export function slowDownIfOverloaded(traffic: Pick<Traffic, 'waiting' | 'ratePerSecond'>): void {
  const { waiting, ratePerSecond } = traffic;
  if (waiting <= ratePerSecond * OVERLOADED_SECONDS) return;
  const slower = Math.max(MIN_RATE, Math.floor(ratePerSecond * SLOWDOWN));
  traffic.ratePerSecond = Math.min(ratePerSecond, slower);
}

export function perSecond(count: number, elapsedMs: number): number {
  return Math.round((count * 1_000) / Math.max(1, elapsedMs));
}
