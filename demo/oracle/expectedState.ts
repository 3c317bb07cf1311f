/**
 * The state that must follow from what callers were told. A call without an answer may have had its
 * effect or not: the table of the service that was called decides, and then the effect must be
 * everywhere.
 */
import type { Database } from '../../runtime/postgres.ts';
import type { History, RecordedAssignment, RecordedSolution } from '../traffic/history.ts';

/** After this many correct solutions an exercise becomes harder, once. */
const COMPLETIONS_UNTIL_HARDER = 11;

export interface ExpectedSolution extends RecordedSolution {
  readonly isRevoked: boolean;
}

export interface ExpectedRating {
  readonly results: bigint;
  readonly accepted: bigint;
}

export interface ExpectedState {
  readonly assignments: ReadonlyMap<string, RecordedAssignment>;
  readonly solutions: ReadonlyMap<string, ExpectedSolution>;
  /** Correct solutions by exercise; a revocation does not lower the number. */
  readonly completions: ReadonlyMap<string, number>;
  /** By assessment; only those with results. */
  readonly ratings: ReadonlyMap<string, ExpectedRating>;
}

/** `database` returns the database of a service. */
export async function deriveExpectedState(
  history: History,
  database: (service: string) => Database,
): Promise<ExpectedState> {
  const assigned = await readIds(
    database('management'),
    'assignments',
    history.assignments.unknown,
  );
  const solved = await readIds(database('hiring'), 'solutions', history.solutions.unknown);
  const revoked = await readRevoked(database('hiring'), history.revocations.unknown);
  const solutions = new Map<string, ExpectedSolution>();
  for (const [id, solution] of join(history.solutions, solved))
    solutions.set(id, {
      ...solution,
      isRevoked: history.revocations.acknowledged.has(id) || revoked.has(id),
    });
  return {
    assignments: join(history.assignments, assigned),
    solutions,
    completions: countCompletions(solutions.values()),
    ratings: countResults(solutions.values()),
  };
}

/** Whether this many correct solutions made an exercise harder. */
export function becameHarder(completions = 0): boolean {
  return completions >= COMPLETIONS_UNTIL_HARDER;
}

interface Facts<F> {
  readonly acknowledged: ReadonlyMap<string, F>;
  readonly unknown: ReadonlyMap<string, F>;
}

function join<F>({ acknowledged, unknown }: Facts<F>, stored: ReadonlySet<string>): Map<string, F> {
  return new Map([...acknowledged, ...[...unknown].filter(([id]) => stored.has(id))]);
}

async function readIds(
  sql: Database,
  table: string,
  unknown: ReadonlyMap<string, unknown>,
): Promise<Set<string>> {
  const ids = [...unknown.keys()];
  const rows = await sql<{ id: string }[]>`
    select id::text as id from ${sql(table)} where id = any(${ids}::uuid[])`;
  return new Set(rows.map(({ id }) => id));
}

async function readRevoked(sql: Database, unknown: ReadonlyMap<string, unknown>) {
  const rows = await sql<{ id: string }[]>`
    select id::text as id from solutions
    where id = any(${[...unknown.keys()]}::uuid[]) and state = 'revoked'`;
  return new Set(rows.map(({ id }) => id));
}

function countCompletions(solutions: Iterable<ExpectedSolution>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { exerciseId, isCorrect } of solutions)
    if (isCorrect) counts.set(exerciseId, (counts.get(exerciseId) ?? 0) + 1);
  return counts;
}

function countResults(solutions: Iterable<ExpectedSolution>): Map<string, ExpectedRating> {
  const ratings = new Map<string, ExpectedRating>();
  for (const { assessmentId, isCorrect, isRevoked } of solutions) {
    const { results, accepted } = ratings.get(assessmentId) ?? { results: 0n, accepted: 0n };
    const isAccepted = isCorrect && !isRevoked;
    ratings.set(assessmentId, {
      results: results + 1n,
      accepted: isAccepted ? accepted + 1n : accepted,
    });
  }
  return ratings;
}
