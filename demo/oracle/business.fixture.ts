/**
 * The business of the test company: one assessment with two exercises, two candidates, and enough
 * solutions to make the first exercise harder; one is wrong, one revoked.
 */
import { randomUUIDv7 } from 'node:crypto';
import {
  type Booking,
  creditSolution,
  debitSolution,
} from '../../services/bonuses/domain/booking.ts';
import { insertBooking } from '../../services/bonuses/store/ledger.ts';
import { insertTransfer } from '../../services/finance/store/transfers.ts';
import { ratingOf } from '../../services/hiring/domain/rating.ts';
import { carry, type EmptyCompany } from './messages.fixture.ts';

const NOW = new Date();
const AT = NOW.toISOString();
/** Correct solutions of the first exercise: one more than makes it harder. */
const CORRECT = 12;

export interface Business {
  readonly authorId: string;
  readonly assessmentId: string;
  /** The first one became harder. */
  readonly exercises: readonly [string, string];
  readonly candidates: readonly [string, string];
  readonly assignments: readonly [string, string];
  /** Correct ones, the first of them revoked. */
  readonly solutions: readonly string[];
  /** By solution, the credits. */
  readonly credits: ReadonlyMap<string, Booking>;
}

/** The counts behind the assessment's rating while solutions are added. */
interface Results {
  version: number;
  results: number;
  accepted: number;
}

export async function fillBusiness(company: EmptyCompany): Promise<Business> {
  const make = () => randomUUIDv7();
  const business = {
    authorId: company.ids[1],
    assessmentId: make(),
    exercises: [make(), make()] as [string, string],
    candidates: [make(), make()] as [string, string],
    assignments: [make(), make()] as [string, string],
  };
  await addAssessment(company, business);
  await addCandidates(company, business);
  const credits = new Map<string, Booking>();
  const results: Results = { version: 0, results: 0, accepted: 0 };
  for (let i = 0; i < CORRECT; i++) {
    const credit = await addSolution(company, business, { results, isCorrect: true });
    credits.set(credit.solutionId, credit);
  }
  await addSolution(company, business, { results, isCorrect: false });
  await carry(company, 'COMM-050', business.exercises[0], 1);
  const [first] = credits.values();
  await revoke(company, first!, results);
  await saveRating(company, business, results);
  return { ...business, solutions: [...credits.keys()], credits };
}

type Base = Omit<Business, 'solutions' | 'credits'>;

/** Written with difficulties 1 and 3; the first exercise has become harder by one since. */
async function addAssessment(company: EmptyCompany, base: Base): Promise<void> {
  const { database, record } = company;
  const { authorId, assessmentId, exercises } = base;
  const written = exercises.map((id, at) => ({ id, title: `Exercise ${at}`, text: 'Prove it.' }));
  const parts = { knowledgeArea: 'Algebra', titleWithoutArea: 'Groups' };
  const fields = { authorId, title: '[Algebra] Groups', ...parts, exercises: written };
  record((history) => {
    history.assessments.acknowledge(assessmentId, 1n, fields);
    history.difficulties.acknowledge(exercises[0], 1);
    history.difficulties.acknowledge(exercises[1], 3);
  });
  const stored = written.map(({ id, title, text }, at) => ({
    exercise_id: id,
    title,
    text,
    difficulty: at === 0 ? 2 : 3,
  }));
  const text = JSON.stringify(stored);
  await database('assessments')`
    insert into assessments
      (id, version, author_id, title, knowledge_area, exercises, created_at, updated_at)
    values (${assessmentId}, 2, ${authorId}, 'Groups', 'Algebra', ${text}::text::jsonb, ${AT}, ${AT})`;
  await database('hiring')`
    insert into assessment_replicas (id, version, author_id, title, exercises)
    values (${assessmentId}, 2, ${authorId}, '[Algebra] Groups', ${text}::text::jsonb)`;
  await carry(company, 'COMM-020', assessmentId, 1);
  await carry(company, 'COMM-021', assessmentId, 2);
}

/**
 * Both are assigned the assessment; the first solves the first exercise and has the other left, the
 * second is promoted.
 */
async function addCandidates(company: EmptyCompany, base: Base): Promise<void> {
  const { database, record } = company;
  const { assessmentId, exercises, candidates, assignments } = base;
  for (const [at, id] of candidates.entries()) {
    const name = `Candidate ${at}`;
    const version = 3;
    const status = at === 0 ? 'candidate' : 'teacher';
    const toSolve = JSON.stringify(at === 0 ? exercises.slice(1) : exercises);
    record((history) => history.candidates.acknowledge(id, { name }));
    await database('hiring')`
      insert into candidates (id, version, name, status, exercises_to_solve, created_at)
      values (${id}, ${version}, ${name}, ${status}, ${toSolve}::text::jsonb, ${AT})`;
    await database('management')`
      insert into candidate_replicas (id, version, name, status, exercises_to_solve)
      values (${id}, ${version}, ${name}, ${status}, ${toSolve}::text::jsonb)`;
    for (let one = 1; one <= version; one++) await carry(company, 'COMM-030', id, one);
    const assignment = assignments[at] as string;
    record((history) =>
      history.assignments.acknowledge(assignment, { candidateId: id, assessmentId }),
    );
    for (const service of ['management', 'hiring'])
      await database(service)`
        insert into assignments (id, candidate_id, assessment_id, assigned_by, assigned_at)
        values (${assignment}, ${id}, ${assessmentId}, 'management', ${AT})`;
    await carry(company, 'COMM-070', assignment, 1);
  }
  record((history) => history.promotions.acknowledge(candidates[1], true));
  await database('management')`
    insert into teachers (candidate_id, promoted_at) values (${candidates[1]}, ${AT})`;
}

/** A solution of the first exercise by the first candidate, rated, and booked if it is correct. */
async function addSolution(
  company: EmptyCompany,
  base: Base,
  { results, isCorrect }: { results: Results; isCorrect: boolean },
): Promise<Booking> {
  const { database, record } = company;
  const { authorId, assessmentId, exercises, candidates } = base;
  const [[exerciseId], [candidateId]] = [exercises, candidates];
  const id = randomUUIDv7();
  const solution = { candidateId, assessmentId, exerciseId, authorId, isCorrect };
  record((history) => history.solutions.acknowledge(id, solution));
  const state = isCorrect ? 'accepted' : 'rejected';
  await database('hiring')`
    insert into solutions
      (id, candidate_id, assessment_id, exercise_id, author_id, state, submitted_at)
    values (${id}, ${candidateId}, ${assessmentId}, ${exerciseId}, ${authorId}, ${state}, ${AT})`;
  results.results += 1;
  if (isCorrect) results.accepted += 1;
  const rating = await rate(company, assessmentId, results);
  const facts = { solutionId: id, assessmentId, authorId, acceptedBy: '' };
  const event = { eventId: randomUUIDv7(), ...facts };
  const credit = creditSolution(event, { rating, version: BigInt(results.version) }, NOW);
  if (isCorrect) await book(company, credit, 1);
  if (isCorrect)
    await database('hiring')`
      insert into exercise_completions as known (exercise_id, completed) values (${exerciseId}, 1)
      on conflict (exercise_id) do update set completed = known.completed + 1`;
  return credit;
}

async function revoke(company: EmptyCompany, credit: Booking, results: Results): Promise<void> {
  const { solutionId, assessmentId } = credit;
  company.record((history) => history.revocations.acknowledge(solutionId, true));
  await company.database('hiring')`
    update solutions set state = 'revoked', revoked_at = ${AT} where id = ${solutionId}`;
  results.accepted -= 1;
  await rate(company, assessmentId, results);
  await book(company, debitSolution(randomUUIDv7(), credit, NOW), 2);
}

/** Records and carries the next version of the rating; returns the rating. */
async function rate(
  company: EmptyCompany,
  assessmentId: string,
  results: Results,
): Promise<number> {
  results.version += 1;
  const counts = { results: BigInt(results.results), accepted: BigInt(results.accepted) };
  const rating = ratingOf(counts);
  const version = BigInt(results.version);
  company.record((history) => history.recordRating(assessmentId, version, { rating, ...counts }));
  await carry(company, 'COMM-060', assessmentId, results.version);
  return rating;
}

/**
 * A booking at bonuses and its transfer at finance; `version` is that of the solution's message.
 */
async function book(company: EmptyCompany, booking: Booking, version: 1 | 2): Promise<void> {
  const { database } = company;
  const { id, kind, managerId, amountMinor, solutionId } = booking;
  await database('bonuses').begin((tx) => insertBooking(tx, booking));
  const order = { idempotencyKey: id, accountId: managerId, link: 'COMM-080', madeAt: NOW };
  const transfer = { id, kind, amountMinor, ...order };
  await database('finance').begin((tx) => insertTransfer(tx, transfer));
  await carry(company, 'COMM-040', solutionId, version);
  await carry(company, 'COMM-080', solutionId, version);
}

async function saveRating({ database }: EmptyCompany, base: Base, results: Results): Promise<void> {
  const { version, accepted } = results;
  const rating = ratingOf({ results: BigInt(results.results), accepted: BigInt(accepted) });
  await database('hiring')`
    insert into assessment_ratings (assessment_id, version, results, accepted, rating, rated_at)
    values (${base.assessmentId}, ${version}, ${results.results}, ${accepted}, ${rating}, ${AT})`;
  await database('bonuses')`
    insert into rating_replicas (assessment_id, version, rating)
    values (${base.assessmentId}, ${version}, ${rating})`;
}
