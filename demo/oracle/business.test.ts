import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, type TestContext, test } from 'node:test';
import type { Transaction } from '../../runtime/postgres.ts';
import { creditSolution } from '../../services/bonuses/domain/booking.ts';
import { insertBooking } from '../../services/bonuses/store/ledger.ts';
import { type Company, makeCompanies } from './company.fixture.ts';
import { addClosed, addInboxRow } from './messages.fixture.ts';
import { judge } from './oracle.ts';

const companies = await makeCompanies({ after });

/** Every finding as `damage: sentence (cases)`, of one claim only. */
async function findIn(company: Company, claim: RegExp): Promise<string[]> {
  const { checks, findings } = await judge(company);
  const check = checks.find((one) => claim.test(one.claim));
  assert.ok(check, `no claim like ${claim}`);
  assert.ok(findings.length >= check.findings.length);
  return check.findings.map(({ damage, sentence, cases }) => {
    const count = cases.reduce((sum, one) => sum + one.count, 0);
    return `${damage}: ${sentence} (${count})`;
  });
}

/** Lets a test damage rows that are never updated otherwise. */
async function unlockLedger({ database }: Company): Promise<void> {
  await database('bonuses')`alter table bookings disable trigger user`;
  await database('bonuses')`alter table ledger_entries disable trigger user`;
}

test('an assessment with another title, and an exercise that is not harder, are found', async (t) => {
  const company = await companies.open(t);
  const sql = company.database('assessments');
  await sql`update assessments set title = 'Rings'`;
  await sql`update assessments set exercises = jsonb_set(exercises, '{0,difficulty}', '1')`;
  assert.deepEqual(await findIn(company, /acknowledged assessment changes/), [
    'changed: assessments with other fields than callers were told (1)',
    'changed: exercises whose difficulty does not match their solutions (1)',
  ]);
});

test('an exercise that became harder twice is found by difficulty and version', async (t) => {
  const company = await companies.open(t);
  await company.database('assessments')`
    update assessments set version = 3,
      exercises = jsonb_set(exercises, '{0,difficulty}', '3')`;
  assert.deepEqual(await findIn(company, /acknowledged assessment changes/), [
    'doubled: assessments with more changes than calls (1)',
    'changed: exercises whose difficulty does not match their solutions (1)',
  ]);
});

test('a candidate with other exercises left to solve is found', async (t) => {
  const company = await companies.open(t);
  const [first, second] = company.business.candidates;
  const sql = company.database('hiring');
  await sql`update candidates set exercises_to_solve = '[]' where id = ${first}`;
  await sql`update candidates set version = 1 where id = ${second}`;
  assert.deepEqual(await findIn(company, /unsolved exercises/), [
    'lost: candidates missing or outdated at hiring (1)',
    'changed: candidates with another status or exercises left (1)',
  ]);
});

test('an assignment that hiring lacks, and one without a cause, are found', async (t) => {
  const company = await companies.open(t);
  const { assignments, candidates } = company.business;
  const hiring = company.database('hiring');
  await hiring`delete from assignments where id = ${assignments[0]}`;
  await hiring`
    insert into assignments (id, candidate_id, assessment_id, assigned_by, assigned_at)
    values (${randomUUIDv7()}, ${candidates[0]}, ${randomUUIDv7()}, 'x', now())`;
  assert.deepEqual(await findIn(company, /assignments are stored/), [
    'lost: assignments at hiring: lost (1)',
    'doubled: assignments at hiring: doubled (1)',
  ]);
});

test('solutions that are missing, changed or unowned are found', async (t) => {
  const company = await companies.open(t);
  const { solutions, candidates, assessmentId, exercises, authorId } = company.business;
  const hiring = company.database('hiring');
  await hiring`delete from solutions where id = ${solutions[1]!}`;
  await hiring`
    update solutions set state = 'accepted', revoked_at = null where id = ${solutions[0]!}`;
  await hiring`
    insert into solutions
      (id, candidate_id, assessment_id, exercise_id, author_id, state, submitted_at)
    values (${randomUUIDv7()}, ${candidates[1]}, ${assessmentId}, ${exercises[1]}, ${authorId},
      'rejected', now())`;
  assert.deepEqual(await findIn(company, /solutions are stored/), [
    'lost: solutions: lost (1)',
    'changed: solutions: changed (1)',
    'doubled: solutions: doubled (1)',
  ]);
});

test('a solution whose answer was lost counts everywhere if it is stored, and nowhere if not', async (t) => {
  const company = await companies.open(t);
  const { candidates, assessmentId, exercises, authorId } = company.business;
  const task = { candidateId: candidates[0], assessmentId, authorId };
  const solution = { ...task, exerciseId: exercises[0], isCorrect: false };
  const id = randomUUIDv7();
  company.history.solutions.recordUnknown(id, solution);
  assert.ok((await judge(company)).holds);
  await company.database('hiring')`
    insert into solutions
      (id, candidate_id, assessment_id, exercise_id, author_id, state, submitted_at)
    values (${id}, ${candidates[0]}, ${assessmentId}, ${exercises[0]}, ${authorId}, 'rejected',
      now())`;
  assert.deepEqual(await findIn(company, /ratings follow/), [
    'changed: ratings that do not follow from their results (1)',
  ]);
  await company.database('hiring')`update assessment_ratings set results = 14, rating = 75`;
  assert.deepEqual(await findIn(company, /ratings follow/), []);
});

test('a rating that does not follow from its results, and contradicting answers, are found', async (t) => {
  const company = await companies.open(t);
  await company.database('hiring')`update assessment_ratings set rating = rating - 1`;
  const other = { rating: 1, results: 1n, accepted: 1n };
  company.history.recordRating(company.business.assessmentId, 2n, other);
  assert.deepEqual(await findIn(company, /ratings follow/), [
    'changed: ratings that do not follow from their results (1)',
    'changed: versions of ratings with contradicting answers (1)',
  ]);
});

test('a promotion that is not stored is found', async (t) => {
  const company = await companies.open(t);
  await company.database('management')`delete from teachers`;
  assert.deepEqual(await findIn(company, /teachers/), ['lost: promotions that are not stored (1)']);
});

test('a promotion that hiring does not know of, and one that nobody asked for, are found', async (t) => {
  const company = await companies.open(t);
  const [first, second] = company.business.candidates;
  const hiring = company.database('hiring');
  await hiring`update candidates set status = 'candidate' where id = ${second}`;
  await hiring`update candidates set status = 'teacher' where id = ${first}`;
  assert.deepEqual(await findIn(company, /teachers/), ['lost: promotions that are not stored (1)']);
  assert.deepEqual(await findIn(company, /unsolved exercises/), [
    'changed: candidates with another status or exercises left (2)',
  ]);
});

test('a promotion whose answer was lost counts if hiring has it, and does not if not', async (t) => {
  const company = await companies.open(t);
  const [first] = company.business.candidates;
  company.history.promotions.recordUnknown(first, true);
  assert.ok((await judge(company)).holds);
  await company.database('hiring')`
    update candidates set status = 'teacher', version = 4 where id = ${first}`;
  assert.deepEqual(await findIn(company, /unsolved exercises/), []);
});

async function openUnlocked(t: TestContext): Promise<Company> {
  const company = await companies.open(t);
  await unlockLedger(company);
  return company;
}

test('a solution that was not credited, and a debit that is gone, are found', async (t) => {
  const company = await openUnlocked(t);
  const bonuses = company.database('bonuses');
  const [revoked, second] = company.business.solutions as [string, string];
  const dropped = bonuses`
    select id from bookings
    where solution_id = ${second} or (solution_id = ${revoked} and kind = 'debit')`;
  await bonuses`delete from ledger_entries where booking_id in (${dropped})`;
  await bonuses`
    delete from bookings
    where solution_id = ${second} or (solution_id = ${revoked} and kind = 'debit')`;
  assert.deepEqual(await findIn(company, /are credited/), [
    'lost: solutions without a booking (2)',
  ]);
  assert.deepEqual(await findIn(company, /transfers/), [
    'doubled: transfers without a booking (2)',
  ]);
});

test('a bonus without a solution is found', async (t) => {
  const company = await companies.open(t);
  const { assessmentId, authorId } = company.business;
  const facts = { solutionId: randomUUIDv7(), assessmentId, authorId, acceptedBy: '' };
  const event = { eventId: randomUUIDv7(), ...facts };
  const booking = creditSolution(event, { rating: 50, version: 0n }, new Date());
  await insertBooking(company.database('bonuses') as unknown as Transaction, booking);
  assert.deepEqual(await findIn(company, /are credited/), [
    'doubled: bookings without a solution (1)',
  ]);
  assert.deepEqual(await findIn(company, /transfers/), [
    'lost: bookings without a transfer at finance (1)',
  ]);
});

test('a debit that differs from its credit is found, down to the account', async (t) => {
  const company = await openUnlocked(t);
  await company.database('bonuses')`
    update bookings set amount_minor = amount_minor + 1 where kind = 'debit'`;
  assert.deepEqual(await findIn(company, /are credited/), [
    'changed: bookings with the wrong author or amount (1)',
  ]);
  assert.deepEqual(await findIn(company, /use a rating/), [
    'changed: bookings whose amount does not match their rating (1)',
  ]);
  assert.deepEqual(await findIn(company, /balances/), [
    'changed: accounts with a wrong balance (2)',
  ]);
  assert.deepEqual(await findIn(company, /transfers/), [
    'changed: transfers with the wrong kind, account or amount (1)',
  ]);
});

test('a bonus with a rating that hiring never had is found; a lost answer may explain a version', async (t) => {
  const company = await openUnlocked(t);
  const bonuses = company.database('bonuses');
  const [, second, third] = company.business.solutions as [string, string, string];
  await bonuses`
    update bookings set rating = 99, amount_minor = 9900 where solution_id = ${second}`;
  await bonuses`update bookings set rating_version = 77 where solution_id = ${third}`;
  const claim = /use a rating/;
  const sentence = 'changed: bookings with a rating that hiring never had';
  assert.deepEqual(await findIn(company, claim), [`${sentence} (2)`]);
  company.history.unknownRatings = 1;
  assert.deepEqual(await findIn(company, claim), [`${sentence} (1)`]);
});

test('a ledger that does not sum to zero is found', async (t) => {
  const company = await openUnlocked(t);
  await company.database('bonuses')`
    update ledger_entries set amount_minor = amount_minor - 1 where account = 'company'`;
  assert.deepEqual(await findIn(company, /sums to zero/), [
    'changed: accounts with a wrong balance (1)',
    'changed: the ledger does not sum to zero (1)',
  ]);
});

test('money that moved twice is found', async (t) => {
  const company = await companies.open(t);
  await company.database('finance')`
    insert into transfers (id, idempotency_key, kind, account_id, amount_minor, link, made_at)
    select gen_random_uuid(), gen_random_uuid(), kind, account_id, amount_minor, link, made_at
    from transfers limit 1`;
  assert.deepEqual(await findIn(company, /transfers/), [
    'doubled: transfers without a booking (1)',
  ]);
});

test('what was written while a link was on pull need not arrive, but its replica must be equal', async (t) => {
  const company = { ...(await companies.open(t)), pulled: new Set(['COMM-060']) };
  const bonuses = company.database('bonuses');
  const dropped = await bonuses<{ hash: bigint; lane: number }[]>`
    delete from relink.inbox where link = 'COMM-060' and version between 3 and 5
    returning hash, lane`;
  for (const { hash } of dropped)
    await company.database('hiring')`
      update relink.closed set count = count - 1, sum = sum - ${hash}
      where leg = 'COMM-060/bonuses'`;
  assert.ok((await judge(company)).holds);
  await bonuses`update rating_replicas set version = version - 1`;
  assert.deepEqual(await findIn(company, /ratings are equal/), [
    'lost: ratings missing or outdated at bonuses (1)',
  ]);
});

test('a replica that was made again is filled with known versions once, in a new epoch', async (t) => {
  const company = await companies.open(t);
  const { assessmentId } = company.business;
  const message = { link: 'COMM-060', key: assessmentId, version: 14 };
  const fillAgain = async () => {
    const hash = await addInboxRow(company.database('bonuses'), { ...message, epoch: 4 });
    const closed = { link: 'COMM-060', consumer: 'bonuses', key: assessmentId, hash, epoch: 4 };
    await addClosed(company.database('hiring'), closed);
  };
  await fillAgain();
  assert.equal((await judge(company)).holds, false);
  const pulled = { ...company, pulled: new Set(['COMM-060']) };
  assert.equal((await judge(pulled)).holds, true);
  await fillAgain();
  assert.deepEqual(await findIn(pulled, /^COMM-060/), [
    'doubled: versions that took effect twice at bonuses (2)',
  ]);
});

test('while a link is on pull there is no replica to compare, and the claim says so', async (t) => {
  const company = await companies.open(t);
  await company.database('hiring')`
    insert into relink.routes (leg, lane, transport, version, epoch, adopted_transport,
      adopted_version, adopted_epoch)
    values ('COMM-060/bonuses', 0, 'pull', 0, 2, 'pull', 0, 2)`;
  await company.database('bonuses')`drop table rating_replicas`;
  const { checks, holds } = await judge(company);
  assert.ok(holds);
  const claim = 'bonuses keeps no ratings: COMM-060 is on pull, so it asks hiring';
  assert.ok(checks.some((check) => check.claim === claim));
});
