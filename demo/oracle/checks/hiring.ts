/** Candidates, what they were assigned and what they solved: what callers were told against the tables. */

import type { Database } from '../../../runtime/postgres.ts';
import { ratingOf } from '../../../services/hiring/domain/rating.ts';
import type { Told } from '../../traffic/history.ts';
import type { Truth } from '../expectedState.ts';
import {
  type Case,
  type Check,
  caseOf,
  checkOf,
  type Finding,
  found,
  NO_LINK,
  say,
} from '../findings.ts';
import { byId } from './authoring.ts';

type CandidateRow = { id: string; version: bigint; name: string; toSolve: string[] };
type AssignmentRow = { id: string; candidateId: string; assessmentId: string };
type SolutionRow = AssignmentRow & { exerciseId: string; authorId: string; state: string };
type RatingRow = {
  id: string;
  version: bigint;
  results: bigint;
  accepted: bigint;
  rating: number;
};

/** Candidates have left to solve what they were assigned and did not solve. */
export async function checkCandidates(told: Told, truth: Truth, sql: Database): Promise<Check> {
  const rows = byId(
    await sql<CandidateRow[]>`
      select id, version, name, exercises_to_solve as "toSolve" from candidates`,
  );
  const lost: Case[] = [];
  const changed: Case[] = [];
  const work = workOf(told, truth);
  for (const [id, { name }] of told.candidates.told) {
    const row = rows.get(id);
    const { left, version } = work(id);
    if (!row || row.version < version) lost.push(caseOf(id, version));
    else if (row.version > version || row.name !== name || !isSame(row.toSolve, left))
      changed.push(caseOf(id, row.version));
  }
  const count = say(told.candidates.told.size);
  return checkOf(`${count} candidates have left to solve what they must`, [
    found('lost', NO_LINK, 'candidates that hiring lacks or has older', lost),
    found('changed', NO_LINK, 'candidates with something else left to solve', changed),
  ]);
}

/** What each candidate has left, and how often that changed. */
function workOf(told: Told, truth: Truth) {
  const assigned = group(truth.assignments.values(), (one) => one.candidateId);
  const solutions = [...truth.solutions.values()].filter(({ isCorrect }) => isCorrect);
  const solved = group(solutions, (one) => one.candidateId);
  return (id: string) => {
    const own = assigned.get(id) ?? [];
    const exercises = own.flatMap(
      ({ assessmentId }) => told.assessments.get(assessmentId)?.fields?.exercises ?? [],
    );
    const done = new Set((solved.get(id) ?? []).map(({ exerciseId }) => exerciseId));
    const left = exercises.map((one) => one.id).filter((one) => !done.has(one));
    return { left, version: BigInt(1 + own.length + done.size) };
  };
}

/** Assignments are at management, which made them, and at hiring, which a link told. */
export async function checkAssignments(
  told: Told,
  truth: Truth,
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
      ...compareFacts(truth.assignments, rows, {
        isSame: (a, b) => a.candidateId === b.candidateId && a.assessmentId === b.assessmentId,
        isOurs: ({ candidateId }) => told.candidates.told.has(candidateId),
      }).map(({ damage, cases }) =>
        found(damage, where, `assignments at ${service}: ${damage}`, cases),
      ),
    );
  }
  const count = say(truth.assignments.size);
  return checkOf(`${count} assignments are at management and at hiring`, findings);
}

/** Solutions are as they were submitted and revoked. */
export async function checkSolutions(told: Told, truth: Truth, sql: Database): Promise<Check> {
  const rows = byId(
    await sql<SolutionRow[]>`
      select id, candidate_id as "candidateId", assessment_id as "assessmentId",
        exercise_id as "exerciseId", author_id as "authorId", state
      from solutions`,
  );
  const stateOf = (one: { isCorrect: boolean; isRevoked: boolean }) =>
    one.isRevoked ? 'revoked' : one.isCorrect ? 'accepted' : 'rejected';
  const findings = compareFacts(truth.solutions, rows, {
    isSame: (a, b) =>
      a.candidateId === b.candidateId &&
      a.exerciseId === b.exerciseId &&
      a.authorId === b.authorId &&
      stateOf(a) === b.state,
    isOurs: ({ candidateId }) => told.candidates.told.has(candidateId),
  }).map(({ damage, cases }) => found(damage, NO_LINK, `solutions: ${damage}`, cases));
  const revoked = [...truth.solutions.values()].filter(({ isRevoked }) => isRevoked).length;
  const count = say(truth.solutions.size);
  return checkOf(`${count} solutions are as told, ${say(revoked)} of them revoked`, findings);
}

/** Every rating is what the results of its assessment make it. */
export async function checkRatings(told: Told, truth: Truth, sql: Database): Promise<Check> {
  const rows = byId(
    await sql<RatingRow[]>`
      select assessment_id as id, version, results, accepted, rating from assessment_ratings`,
  );
  const wrong: Case[] = [];
  for (const [id, rating] of truth.ratings) {
    const row = rows.get(id);
    const isRight =
      row?.results === rating.results &&
      row.accepted === rating.accepted &&
      row.rating === ratingOf(rating);
    if (!isRight) wrong.push(caseOf(id, row?.version));
  }
  const contradicted = told.contradictions.map(({ assessmentId, version }) =>
    caseOf(assessmentId, version),
  );
  return checkOf(`${say(truth.ratings.size)} ratings are what their results make them`, [
    found('changed', NO_LINK, 'ratings that no results explain', wrong),
    found('changed', NO_LINK, 'versions of ratings of which two things were told', contradicted),
  ]);
}

/** Who was promoted is a teacher. */
export async function checkTeachers(told: Told, sql: Database): Promise<Check> {
  const rows = await sql<{ id: string }[]>`select candidate_id as id from teachers`;
  const teachers = new Set(rows.map(({ id }) => id));
  const lost = [...told.promotions.told.keys()].filter((id) => !teachers.has(id));
  const count = say(told.promotions.told.size);
  return checkOf(`${count} promoted candidates are teachers`, [
    found(
      'lost',
      NO_LINK,
      'promotions that are not stored',
      lost.map((id) => caseOf(id)),
    ),
  ]);
}

type Rules<T, R> = { isSame(told: T, row: R): boolean; isOurs(row: R): boolean };

function compareFacts<T, R extends { id: string }>(
  facts: ReadonlyMap<string, T>,
  rows: ReadonlyMap<string, R>,
  { isSame, isOurs }: Rules<T, R>,
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
