/**
 * One benchmark: one or two goals of docs/performance.md, each measured with its raw side in the
 * same run.
 */
import type { Ratio } from './report.ts';
import type { BenchServers } from './servers.ts';

export interface BenchContext {
  readonly servers: BenchServers;
  /** Measured rounds of each side; one more of each is the warm-up. */
  readonly rounds: number;
  /** Multiplies counts: 1 for the whole measurement, less for a quick look. */
  readonly scale: number;
}

export interface Benchmark {
  /** For `--only`. */
  readonly name: string;
  /** It starts a dozen processes, however little they do: `npm test` leaves it out. */
  readonly isLarge?: boolean;
  run(context: BenchContext): Promise<Ratio[]>;
}

/** The scaled count of a round, never so small that nothing would be measured. */
export function scaled(count: number, { scale }: BenchContext, minimum = 16): number {
  return Math.max(minimum, Math.round(count * scale));
}

/** Throws when a side did not do all its work: its figure would be meaningless. */
export function mustBe(what: string, actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`${what}: ${actual}, expected ${expected}`);
}
