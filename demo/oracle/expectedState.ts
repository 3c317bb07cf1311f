/**
 * What must be so by what callers were told. A call without an answer may have had its effect or not:
 * the table of the service that was asked decides, and from there on the effect must be everywhere.
 */
import type { Database } from '../../runtime/postgres.ts';
import type { Told, ToldAssignment, ToldSolution } from '../traffic/history.ts';

/** An exercise becomes harder once, by this many correct solutions. */
const COMPLETIONS_OF_AN_EASY_EXERCISE = 11;

export type TrueSolution = ToldSolution & { readonly isRevoked: boolean };

export type TrueRating = { readonly results: bigint; readonly accepted: bigint };

export type Truth = {
  readonly assignments: ReadonlyMap<string, ToldAssignment>;
  readonly solutions: ReadonlyMap<string, TrueSolution>;
  /** Correct solutions by exercise; a revocation takes none away. */
  readonly completions: ReadonlyMap<string, number>;
  /** By assessment; only of those with results. */
  readonly ratings: ReadonlyMap<string, TrueRating>;
};

/** `database` is asked for a service's. */
export async function findTruth(
  told: Told,
  database: (service: string) => Database,
): Promise<Truth> {
  const assigned = await readIds(database('management'), 'assignments', told.assignments.unknown);
  const solved = await readIds(database('hiring'), 'solutions', told.solutions.unknown);
  const revoked = await readRevoked(database('hiring'), told.revocations.unknown);
  const solutions = new Map<string, TrueSolution>();
  for (const [id, solution] of join(told.solutions, solved))
    solutions.set(id, {
      ...solution,
      isRevoked: told.revocations.told.has(id) || revoked.has(id),
    });
  return {
    assignments: join(told.assignments, assigned),
    solutions,
    completions: countCompletions(solutions.values()),
    ratings: countResults(solutions.values()),
  };
}

/** Whether so many correct solutions made an exercise harder. */
export function isHarder(completions = 0): boolean {
  return completions >= COMPLETIONS_OF_AN_EASY_EXERCISE;
}

type Facts<F> = { readonly told: ReadonlyMap<string, F>; readonly unknown: ReadonlyMap<string, F> };

function join<F>({ told, unknown }: Facts<F>, stored: ReadonlySet<string>): Map<string, F> {
  return new Map([...told, ...[...unknown].filter(([id]) => stored.has(id))]);
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

function countCompletions(solutions: Iterable<TrueSolution>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { exerciseId, isCorrect } of solutions)
    if (isCorrect) counts.set(exerciseId, (counts.get(exerciseId) ?? 0) + 1);
  return counts;
}

function countResults(solutions: Iterable<TrueSolution>): Map<string, TrueRating> {
  const ratings = new Map<string, TrueRating>();
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
