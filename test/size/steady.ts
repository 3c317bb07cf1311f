/** Requests at a steady rate, however long the answers take, and how long they took. */
import { percentile } from '../../bench/measure.ts';
import { pause } from '../../runtime/wake.ts';

/** Milliseconds of each request, in their order. */
export async function steadily(
  { perSecond, count }: { readonly perSecond: number; readonly count: number },
  request: (nth: number) => Promise<unknown>,
): Promise<number[]> {
  const startedAtMs = performance.now();
  const timed = async (nth: number) => {
    const beganMs = performance.now();
    await request(nth);
    return performance.now() - beganMs;
  };
  const under: Promise<number>[] = [];
  while (under.length < count) {
    const waitMs = startedAtMs + (under.length * 1_000) / perSecond - performance.now();
    if (waitMs > 0) await pause(waitMs);
    under.push(timed(under.length));
  }
  return Promise.all(under);
}

export const p99 = (values: readonly number[]): number => percentile(values, 0.99);
