/** Candidates, assignments, solutions and ratings: what callers were told against the tables. */

import type { Database } from '../../../runtime/postgres.ts';
import { ratingOf } from '../../../services/hiring/domain/rating.ts';
import type { History } from '../../traffic/history.ts';
import type { ExpectedState } from '../expectedState.ts';
import {
  type Case,
  type Check,
  caseOf,
  checkOf,
  type Finding,
  findingOf,
  formatCount,
  NO_LINK,
} from '../findings.ts';
import { byId } from './rows.ts';

interface CandidateRow {
  id: string;
  version: bigint;
  name: string;
  status: string;
  toSolve: string[];
}
interface AssignmentRow {
  id: string;
  candidateId: string;
  assessmentId: string;
}
interface SolutionRow extends AssignmentRow {
  exerciseId: string;
  authorId: string;
  state: string;
}
interface RatingRow {
  id: string;
  version: bigint;
  results: bigint;
  accepted: bigint;
  rating: number;
}

/** Candidates have left what they were assigned and have not solved; who was promoted is a teacher. */
export async function checkCandidates(
  history: History,
  expected: ExpectedState,
  sql: Database,
): Promise<Check> {
  const rows = byId(
    await sql<CandidateRow[]>`
      select id, version, name, status, exercises_to_solve as "toSolve" from candidates`,
  );
  const lost: Case[] = [];
  const changed: Case[] = [];
  const workload = workloadOf(history, expected);
  for (const [id, { name }] of history.candidates.acknowledged) {
    const row = rows.get(id);
    const { left, changes } = workload(id);
    const status = statusOf(history, id, row);
    const version = BigInt(1 + changes + (status === 'teacher' ? 1 : 0));
    if (!row || row.version < version) lost.push(caseOf(id, version));
    else if (row.version > version || !isAsExpected(row, { name, status, left }))
      changed.push(caseOf(id, row.version));
  }
  const count = formatCount(history.candidates.acknowledged.size);
  return checkOf(`${count} candidates have exactly their unsolved exercises left`, [
    findingOf('lost', NO_LINK, 'candidates missing or outdated at hiring', lost),
    findingOf('changed', NO_LINK, 'candidates with another status or exercises left', changed),
  ]);
}

/** A promotion without an answer may have happened or not: hiring, which owns the candidate, decides. */
function statusOf({ promotions }: History, id: string, row: CandidateRow | undefined): string {
  if (promotions.acknowledged.has(id)) return 'teacher';
  return promotions.unknown.has(id) && row ? row.status : 'candidate';
}

function isAsExpected(
  row: CandidateRow,
  { name, status, left }: { name: string; status: string; left: readonly string[] },
): boolean {
  return row.name === name && row.status === status && isSame(row.toSolve, left);
}

/** By candidate: the exercises left, and how often assignments and solutions changed the candidate. */
function workloadOf(history: History, expected: ExpectedState) {
  const assigned = group(expected.assignments.values(), (one) => one.candidateId);
  const solutions = [...expected.solutions.values()].filter(({ isCorrect }) => isCorrect);
  const solved = group(solutions, (one) => one.candidateId);
  return (id: string) => {
    const own = assigned.get(id) ?? [];
    const exercises = own.flatMap(
      ({ assessmentId }) => history.assessments.get(assessmentId)?.fields?.exercises ?? [],
    );
    const done = new Set((solved.get(id) ?? []).map(({ exerciseId }) => exerciseId));
    const left = exercises.map((one) => one.id).filter((one) => !done.has(one));
    return { left, changes: own.length + done.size };
  };
}

/** Assignments are at management, which makes them, and at hiring, where a link brings them. */
export async function checkAssignments(
  history: History,
  expected: ExpectedState,
  sides: { management: Database; hiring: Database },
): Promise<Check> {
  const findings: Finding[] = [];
  for (const [service, sql] of Object.entries(sides)) {
    const rows = byId(
      await sql<AssignmentRow[]>`
        select id, candidate_id as "candidateId", assessment_id as "assessmentId"
        from assignments`,
    );
    const where = service === 'hiring' ? { link: 'COMM-070', consumer: 'hiring' } : { ...NO_LINK };
    findings.push(
      ...compareFacts(expected.assignments, rows, {
        isSame: (a, b) => a.candidateId === b.candidateId && a.assessmentId === b.assessmentId,
        isOurs: ({ candidateId }) => history.candidates.acknowledged.has(candidateId),
      }).map(({ damage, cases }) =>
        findingOf(damage, where, `assignments at ${service}: ${damage}`, cases),
      ),
    );
  }
  const count = formatCount(expected.assignments.size);
  return checkOf(`${count} assignments are stored at management and at hiring`, findings);
}

/** Solutions are as they were submitted and revoked. */
export async function checkSolutions(
  history: History,
  expected: ExpectedState,
  sql: Database,
): Promise<Check> {
  const rows = byId(
    await sql<SolutionRow[]>`
      select id, candidate_id as "candidateId", assessment_id as "assessmentId",
        exercise_id as "exerciseId", author_id as "authorId", state
      from solutions`,
  );
  const stateOf = (one: { isCorrect: boolean; isRevoked: boolean }) =>
    one.isRevoked ? 'revoked' : one.isCorrect ? 'accepted' : 'rejected';
  const findings = compareFacts(expected.solutions, rows, {
    isSame: (a, b) =>
      a.candidateId === b.candidateId &&
      a.exerciseId === b.exerciseId &&
      a.authorId === b.authorId &&
      stateOf(a) === b.state,
    isOurs: ({ candidateId }) => history.candidates.acknowledged.has(candidateId),
  }).map(({ damage, cases }) => findingOf(damage, NO_LINK, `solutions: ${damage}`, cases));
  const revoked = [...expected.solutions.values()].filter(({ isRevoked }) => isRevoked).length;
  const count = formatCount(expected.solutions.size);
  return checkOf(
    `${count} solutions are stored as submitted, ${formatCount(revoked)} of them revoked`,
    findings,
  );
}

/** Every rating follows from the results of its assessment. */
export async function checkRatings(
  history: History,
  expected: ExpectedState,
  sql: Database,
): Promise<Check> {
  const rows = byId(
    await sql<RatingRow[]>`
      select assessment_id as id, version, results, accepted, rating from assessment_ratings`,
  );
  const wrong: Case[] = [];
  for (const [id, rating] of expected.ratings) {
    const row = rows.get(id);
    const isRight =
      row?.results === rating.results &&
      row.accepted === rating.accepted &&
      row.rating === ratingOf(rating);
    if (!isRight) wrong.push(caseOf(id, row?.version));
  }
  const contradicted = history.contradictions.map(({ assessmentId, version }) =>
    caseOf(assessmentId, version),
  );
  return checkOf(`${formatCount(expected.ratings.size)} ratings follow from their results`, [
    findingOf('changed', NO_LINK, 'ratings that do not follow from their results', wrong),
    findingOf('changed', NO_LINK, 'versions of ratings with contradicting answers', contradicted),
  ]);
}

/** Everybody who was promoted is a teacher, at management, which promotes, and so at hiring, which owns. */
export async function checkPromotions(
  history: History,
  { management, hiring }: { management: Database; hiring: Database },
): Promise<Check> {
  const promoted = await management<{ id: string }[]>`select candidate_id as id from teachers`;
  const owned = await hiring<{ id: string }[]>`select id from candidates where status = 'teacher'`;
  const [teachers, known] = [promoted, owned].map((rows) => new Set(rows.map(({ id }) => id)));
  const told = [...history.promotions.acknowledged.keys()].filter((id) => !teachers!.has(id));
  const lost = [...told, ...[...teachers!].filter((id) => !known!.has(id))];
  const count = formatCount(history.promotions.acknowledged.size);
  return checkOf(`${count} promoted candidates are teachers`, [
    findingOf(
      'lost',
      NO_LINK,
      'promotions that are not stored',
      lost.map((id) => caseOf(id)),
    ),
  ]);
}

interface FactRules<T, R> {
  isSame(history: T, row: R): boolean;
  isOurs(row: R): boolean;
}

function compareFacts<T, R extends { id: string }>(
  facts: ReadonlyMap<string, T>,
  rows: ReadonlyMap<string, R>,
  { isSame, isOurs }: FactRules<T, R>,
) {
  const lost: Case[] = [];
  const changed: Case[] = [];
  for (const [id, fact] of facts) {
    const row = rows.get(id);
    if (!row) lost.push(caseOf(id));
    else if (!isSame(fact, row)) changed.push(caseOf(id));
  }
  const extra = [...rows.values()].filter((row) => isOurs(row) && !facts.has(row.id));
  const doubled = extra.map(({ id }) => caseOf(id));
  return [
    { damage: 'lost', cases: lost },
    { damage: 'changed', cases: changed },
    { damage: 'doubled', cases: doubled },
  ] as const;
}

function group<T>(all: Iterable<T>, keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const known = groups.get(keyOf(one));
    if (known) known.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return groups;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  const known = new Set(b);
  return a.length === b.length && a.every((one) => known.has(one));
}
