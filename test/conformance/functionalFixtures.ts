/**
 * How to exercise each functional link: what a business transaction of its producer does, how its
 * consumer applies it, and which effects the committed transactions must have had, each once.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { Handler } from '../../link/inbox/handler.ts';
import { laneOf } from '../../link/link.ts';
import type { Database, Transaction } from '../../runtime/postgres.ts';
import { writeAssessment } from '../../services/assessments/domain/assessment.ts';
import { registerManager } from '../../services/assessments/domain/manager.ts';
import { raiseDifficulties } from '../../services/assessments/events/completions.ts';
import { insertAssessment } from '../../services/assessments/store/assessments.ts';
import { insertManager } from '../../services/assessments/store/managers.ts';
import {
  bonusFor,
  creditSolution,
  debitSolution,
  payoutOf,
  UNRATED,
} from '../../services/bonuses/domain/booking.ts';
import { readRating } from '../../services/bonuses/events/ratingLookup.ts';
import { bookSolutions } from '../../services/bonuses/events/solutions.ts';
import { findCredit, insertBooking } from '../../services/bonuses/store/ledger.ts';
import { transferMoney } from '../../services/finance/events/orders.ts';
import { registerCandidate } from '../../services/hiring/domain/candidate.ts';
import {
  exerciseCompletedMoreThenTenTimes,
  isEleventh,
  revokeSolution,
  solutionCompleted,
  solutionRevoked,
  submitSolution,
} from '../../services/hiring/domain/solution.ts';
import { putAssessments } from '../../services/hiring/events/assessments.ts';
import { assignAssessments } from '../../services/hiring/events/assignments.ts';
import { insertCandidate } from '../../services/hiring/store/candidates.ts';
import {
  countCompletion,
  insertSolution,
  lockSolution,
  saveRevocation,
} from '../../services/hiring/store/solutions.ts';
import { assessmentAssigned } from '../../services/management/domain/assignment.ts';
import { insertAssignment } from '../../services/management/store/assignments.ts';
import type { FunctionalFixture } from './fixture.ts';

const AUTHOR = '018f0000-0000-7000-8000-000000000001';
/** What solutions are of. */
export const ASSESSMENTS = Array.from(
  { length: 4 },
  (_, i) => `018f0000-0000-7000-8000-00000000020${i}`,
);
const ASSESSMENT = ASSESSMENTS[0]!;
const CANDIDATE = '018f0000-0000-7000-8000-000000000003';
const EXERCISE = '018f0000-0000-7000-8000-000000000004';
/** Few rows that many messages change, by keys of different lanes. */
const CANDIDATES = Array.from({ length: 8 }, (_, i) => `018f0000-0000-7000-8000-00000000010${i}`);
const EXERCISES_OF_AN_ASSESSMENT = 10;
const COMPLETIONS = 11;
const BONUS_MINOR = bonusFor(UNRATED.rating);

export const functionalFixtures: Readonly<Record<string, FunctionalFixture>> = {
  'COMM-040': {
    kind: 'functional',
    messagesPerKey: 2,
    act: submitOrRevoke,
    prepare: {},
    intents: `select id::text as key, v::int8 as version from solutions
      cross join lateral generate_series(1, case state when 'revoked' then 2 else 1 end) v`,
    intended: `select concat_ws(' ', kind, id, author_id, ${BONUS_MINOR}) as effect from solutions
      cross join (values ('credit', 'accepted'), ('credit', 'revoked'), ('debit', 'revoked'))
        booked (kind, as_state) where state = as_state`,
    effects: {
      bonuses: `select concat_ws(' ', kind, solution_id, manager_id, amount_minor) as effect
        from bookings`,
    },
    contradictions: {
      bonuses: `
        select 'taken back before it was credited: ' || d.solution_id as problem from bookings d
        where d.kind = 'debit' and not exists (select from bookings c
          where c.solution_id = d.solution_id and c.kind = 'credit' and c.seq < d.seq)
        union all select 'the ledger sums to ' || sum(amount_minor) from ledger_entries
        having sum(amount_minor) <> 0
        union all ${ordersDiffer(
          'COMM-080/finance',
          `select solution_id::text as key, case kind when 'credit' then 1 else 2 end as version
           from bookings`,
        )}`,
    },
    handlers: { bonuses: bookSolutions({ read: readRating }) },
  },
  'COMM-050': {
    kind: 'functional',
    messagesPerKey: 1,
    act: completeElevenTimes,
    prepare: { assessments: writeExercises },
    intents: `select exercise_id::text as key, 1::int8 as version from exercise_completions
      where completed >= ${COMPLETIONS}`,
    intended: `select exercise_id || ' became harder' as effect from exercise_completions
      where completed >= ${COMPLETIONS}`,
    effects: {
      assessments: `select e->>'exercise_id' || ' became harder' as effect
        from assessments cross join lateral jsonb_array_elements(exercises) e
        cross join lateral generate_series(2, (e->>'difficulty')::int)`,
    },
    contradictions: {
      assessments: ordersDiffer(
        'COMM-021/hiring',
        `select id::text as key, v as version from assessments
         cross join lateral generate_series(2, version) v`,
      ),
    },
    handlers: { assessments: raiseDifficulties },
  },
  'COMM-070': {
    kind: 'functional',
    messagesPerKey: 1,
    act: assign,
    prepare: { hiring: registerCandidates },
    intents: 'select id::text as key, 1::int8 as version from assignments',
    intended: `select concat_ws(' ', candidate_id, assessment_id, assigned_by) as effect
      from assignments`,
    effects: {
      hiring: `select concat_ws(' ', candidate_id, assessment_id, assigned_by) as effect
        from assignments`,
    },
    contradictions: {
      hiring: `
        select 'exercises of ' || c.id as problem from candidates c where
          (select array_agg(e order by e) from jsonb_array_elements_text(exercises_to_solve) e)
          is distinct from (select array_agg(assessment_id::text order by assessment_id::text)
            from assignments where candidate_id = c.id)
        union all ${ordersDiffer(
          'COMM-030/management',
          `select id::text as key, v as version from candidates
           cross join lateral generate_series(2, version) v`,
        )}`,
    },
    handlers: { hiring: assignAssessments },
  },
  'COMM-080': {
    kind: 'functional',
    messagesPerKey: 2,
    act: bookAndOrder,
    prepare: {},
    intents: `select solution_id::text as key,
      case kind when 'credit' then 1 else 2 end::int8 as version from bookings`,
    intended: `select concat_ws(' ', id, kind, manager_id, amount_minor) as effect from bookings`,
    effects: {
      finance: `select concat_ws(' ', id, kind, account_id, amount_minor) as effect from transfers`,
    },
    contradictions: {
      finance: `select account_id || ' has less than nothing' as problem from (
        select account_id, sum(case kind when 'credit' then amount_minor else -amount_minor end)
          over (partition by account_id order by seq) as balance from transfers) t
        where balance < 0`,
    },
    handlers: { finance: transferMoney },
  },
};

/** SQL: a problem unless the open messages of a leg are exactly these keys and versions. */
function ordersDiffer(leg: string, keysAndVersions: string): string {
  const listed = `array_agg(key || ' ' || version order by key, version)`;
  return `select 'what was told on ${leg}' as problem
    where (select ${listed} from relink.outbox where leg = '${leg}')
      is distinct from (select ${listed} from (${keysAndVersions}) told)`;
}

// ---- business transactions ----

async function submitOrRevoke(tx: Transaction, key: string) {
  const ids = {
    id: key,
    candidateId: CANDIDATE,
    assessmentId: ASSESSMENTS[laneOf(key) % ASSESSMENTS.length]!,
    exerciseId: EXERCISE,
    authorId: AUTHOR,
  };
  const submitted = submitSolution(ids, true, new Date());
  if (await insertSolution(tx, submitted)) return solutionCompleted(submitted);
  const known = (await lockSolution(tx, key))!;
  if (known.state === 'revoked') return undefined;
  const revoked = revokeSolution(known, new Date());
  await saveRevocation(tx, revoked);
  return solutionRevoked(revoked);
}

async function completeElevenTimes(tx: Transaction, key: string, title: string) {
  const counts: bigint[] = [];
  for (let i = 0; i < COMPLETIONS; i += 1) counts.push(await countCompletion(tx, key));
  if (!counts.some(isEleventh)) return undefined;
  const eleventh = { id: key, candidateId: CANDIDATE, assessmentId: ASSESSMENT, exerciseId: key };
  const solution = submitSolution({ ...eleventh, authorId: AUTHOR }, true, new Date());
  return exerciseCompletedMoreThenTenTimes(solution, title);
}

/** Each assignment is of an assessment of its own, which has the assignment's id. */
async function assign(tx: Transaction, key: string, assignedBy: string) {
  const candidateId = CANDIDATES[laneOf(key) % CANDIDATES.length]!;
  const assignment = {
    id: key,
    assessmentId: key,
    candidateId,
    assignedBy,
    assignedAt: new Date(),
  };
  return (await insertAssignment(tx, assignment)) ? assessmentAssigned(assignment) : undefined;
}

async function bookAndOrder(tx: Transaction, key: string) {
  await tx`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`;
  const facts = { eventId: randomUUIDv7(), solutionId: key, assessmentId: ASSESSMENT };
  const credited = await findCredit(tx, key);
  const [debited] = await tx`select from bookings where solution_id = ${key} and kind = 'debit'`;
  if (debited) return undefined;
  const booking = credited
    ? debitSolution(facts.eventId, credited, new Date())
    : creditSolution({ ...facts, authorId: AUTHOR }, UNRATED, new Date());
  await insertBooking(tx, booking);
  return payoutOf(booking);
}

// ---- what must be there before ----

/** Assessments whose exercises are the keys. */
async function writeExercises(sql: Database, keys: readonly string[]): Promise<void> {
  const names = { firstName: 'Emmy', lastName: 'Noether' };
  const draft = { authorId: AUTHOR, title: '[Algebra] Groups', exercises: [] };
  await sql.begin(async (tx) => {
    await insertManager(tx, registerManager(AUTHOR, names, new Date()));
    for (let i = 0; i < keys.length; i += EXERCISES_OF_AN_ASSESSMENT) {
      const ids = keys.slice(i, i + EXERCISES_OF_AN_ASSESSMENT);
      const exercises = ids.map((id) => ({ id, title: 'S4/V4', text: '', difficulty: 1 }));
      const written = writeAssessment(randomUUIDv7(), draft, new Date());
      await insertAssessment(tx, { ...written, exercises });
    }
  });
}

/** The candidates, and a replica of each assessment with one exercise; all have the key as id. */
async function registerCandidates(sql: Database, keys: readonly string[]): Promise<void> {
  const { apply } = putAssessments as Handler & { kind: 'formal' };
  const changes = keys.map((key) => ({
    key,
    version: 1n,
    event: 'AssessmentCreated',
    eventVersion: 0,
    payload: {
      author_replication_id: AUTHOR,
      title: 'Groups',
      exercises: [{ exercise_id: key, title: 'S4/V4', text: '', difficulty: 1 }],
    },
  }));
  await sql.begin(async (tx) => {
    for (const id of CANDIDATES)
      await insertCandidate(tx, registerCandidate(id, 'Ada Lovelace', new Date()));
    await apply(tx, changes);
  });
}
