/** One benchmark: a goal or two of docs' performance table, each with its raw side in the same run. */
import type { Ratio } from './report.ts';
import type { BenchServers } from './servers.ts';

export interface BenchContext {
  readonly servers: BenchServers;
  /** Measured rounds of each side; one more of each warms up. */
  readonly rounds: number;
  /** 1 for the whole measurement, less for a quick look: counts are multiplied by it. */
  readonly scale: number;
}

export interface Benchmark {
  /** For `--only`. */
  readonly name: string;
  run(context: BenchContext): Promise<Ratio[]>;
}

/** The count of a round, scaled, and never so small that nothing would be measured. */
export function scaled(count: number, { scale }: BenchContext, least = 16): number {
  return Math.max(least, Math.round(count * scale));
}

/** Throws when a side did not do all its work: its figure would be worthless. */
export function mustBe(what: string, actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`${what}: ${actual}, expected ${expected}`);
}
