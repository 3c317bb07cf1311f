/** Measures two sides in one run, so that whatever the machine does affects both. */

/** One number per round for each side. */
export interface Rounds {
  readonly ours: readonly number[];
  readonly against: readonly number[];
}

export interface Sides {
  readonly ours: () => Promise<number>;
  readonly against: () => Promise<number>;
}

/**
 * Runs both sides once as a warm-up, then `rounds` times, alternating which goes first, so that
 * neither always runs on what the other left behind.
 */
export async function alternate(sides: Sides, rounds: number): Promise<Rounds> {
  await sides.ours();
  await sides.against();
  const ours: number[] = [];
  const against: number[] = [];
  const runOurs = async () => ours.push(await sides.ours());
  const runAgainst = async () => against.push(await sides.against());
  for (let round = 0; round < rounds; round += 1) {
    const isOursFirst = round % 2 === 0;
    await (isOursFirst ? runOurs() : runAgainst());
    await (isOursFirst ? runAgainst() : runOurs());
  }
  return { ours, against };
}

/**
 * The middle value; of an even number of values, the mean of the two in the middle. Throws on none.
 */
export function median(values: readonly number[]): number {
  return (percentile(values, 0.5, 'lower') + percentile(values, 0.5, 'upper')) / 2;
}

/** The value that the share `q` (0–1) of all values does not exceed. Throws on none. */
export function percentile(
  values: readonly number[],
  q: number,
  between: 'lower' | 'upper' = 'upper',
): number {
  if (values.length === 0) throw new RangeError('no values were measured');
  const sorted = [...values].sort((a, b) => a - b);
  const position = q * (sorted.length - 1);
  return sorted[between === 'lower' ? Math.floor(position) : Math.ceil(position)]!;
}

/** The rate at which `work` does its `count` things, per second. */
export async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return count / ((performance.now() - startedAtMs) / 1_000);
}

/** How long `work` takes. */
export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

/** A clock that every process of the machine shares (CLOCK_MONOTONIC), in milliseconds. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
