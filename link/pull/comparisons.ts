/** The results of asking both the replica and the owner for the same value. */
import type { Database, Transaction } from '../../runtime/postgres.ts';

/**
 * - `behind`: the owner's version is newer; the change is on its way to the replica
 * - `different`: the same version with another value, or a version the owner does not have
 * - `unanswered`: the owner did not answer
 */
export type ComparisonOutcome = 'equal' | 'behind' | 'different' | 'unanswered';

export interface Comparison {
  readonly key: string;
  readonly outcome: ComparisonOutcome;
  readonly latencyMs: number;
}

export interface ComparisonCounts extends Record<ComparisonOutcome, number> {
  /** A few of the keys that differ. */
  readonly examples: readonly string[];
}

/** How many keys that differ to show; enough to start looking. */
const EXAMPLES = 5;

export async function saveComparison(
  tx: Transaction,
  link: string,
  { key, outcome, latencyMs }: Comparison,
): Promise<void> {
  await tx`insert into relink.comparisons (link, key, outcome, latency_ms)
    values (${link}, ${key}, ${outcome}, ${latencyMs})`;
}

/** Counts the comparisons since a time, in Unix milliseconds. */
export async function countComparisons(
  sql: Database,
  link: string,
  sinceUnixMs: number,
): Promise<ComparisonCounts> {
  const rows = await sql<{ key: string; outcome: ComparisonOutcome; count: number }[]>`
    select outcome, count(*)::int as count,
      (array_agg(key order by compared_at desc) filter (where outcome = 'different'))[1] as key
    from relink.comparisons
    where link = ${link} and compared_at >= to_timestamp(${sinceUnixMs}::float8 / 1000)
    group by outcome`;
  const counts = tally([]);
  for (const { outcome, count } of rows) counts[outcome] = count;
  return { ...counts, examples: rows.flatMap(({ key }) => key ?? []) };
}

/** Counts comparisons that were just made. */
export function tally(comparisons: readonly Comparison[]): ComparisonCounts {
  const of = (outcome: ComparisonOutcome) =>
    comparisons.filter((one) => one.outcome === outcome).length;
  return {
    equal: of('equal'),
    behind: of('behind'),
    different: of('different'),
    unanswered: of('unanswered'),
    examples: comparisons
      .filter(({ outcome }) => outcome === 'different')
      .slice(0, EXAMPLES)
      .map(({ key }) => key),
  };
}
