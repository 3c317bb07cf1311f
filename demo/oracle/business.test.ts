import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, type TestContext, test } from 'node:test';
import type { Transaction } from '../../runtime/postgres.ts';
import { creditSolution } from '../../services/bonuses/domain/booking.ts';
import { insertBooking } from '../../services/bonuses/store/ledger.ts';
import { addClosed, addInboxRow, makeWorlds, type World } from './company.fixture.ts';
import { judge } from './oracle.ts';

const worlds = await makeWorlds({ after });

/** Every finding as `damage: sentence (cases)`, of one claim only. */
async function findIn(world: World, claim: RegExp): Promise<string[]> {
  const { checks, findings } = await judge(world);
  const check = checks.find((one) => claim.test(one.claim));
  assert.ok(check, `no claim like ${claim}`);
  assert.ok(findings.length >= check.findings.length);
  return check.findings.map(({ damage, sentence, cases }) => {
    const count = cases.reduce((sum, one) => sum + one.count, 0);
    return `${damage}: ${sentence} (${count})`;
  });
}

/** Lets a test spoil what may never change. */
async function unlockLedger({ database }: World): Promise<void> {
  await database('bonuses')`alter table bookings disable trigger user`;
  await database('bonuses')`alter table ledger_entries disable trigger user`;
}

test('an assessment with another title, and an exercise that is not harder, are found', async (t) => {
  const world = await worlds.open(t);
  const sql = world.database('assessments');
  await sql`update assessments set title = 'Rings'`;
  await sql`update assessments set exercises = jsonb_set(exercises, '{0,difficulty}', '1')`;
  assert.deepEqual(await findIn(world, /about assessments/), [
    'changed: callers were told other fields of assessments (1)',
    'changed: exercises of another difficulty than solved for (1)',
  ]);
});

test('an exercise that became harder twice is found by difficulty and version', async (t) => {
  const world = await worlds.open(t);
  await world.database('assessments')`
    update assessments set version = 3,
      exercises = jsonb_set(exercises, '{0,difficulty}', '3')`;
  assert.deepEqual(await findIn(world, /about assessments/), [
    'doubled: more changes of assessments than calls (1)',
    'changed: exercises of another difficulty than solved for (1)',
  ]);
});

test('a candidate with something else left to solve is found', async (t) => {
  const world = await worlds.open(t);
  const [first, second] = world.business.candidates;
  const sql = world.database('hiring');
  await sql`update candidates set exercises_to_solve = '[]' where id = ${first}`;
  await sql`update candidates set version = 1 where id = ${second}`;
  assert.deepEqual(await findIn(world, /left to solve/), [
    'lost: candidates that hiring lacks or has older (1)',
    'changed: candidates with something else left to solve (1)',
  ]);
});

test('an assignment that hiring lacks, and one that nobody made, are found', async (t) => {
  const world = await worlds.open(t);
  const { assignments, candidates } = world.business;
  const hiring = world.database('hiring');
  await hiring`delete from assignments where id = ${assignments[0]}`;
  await hiring`
    insert into assignments (id, candidate_id, assessment_id, assigned_by, assigned_at)
    values (${randomUUIDv7()}, ${candidates[0]}, ${randomUUIDv7()}, 'x', now())`;
  assert.deepEqual(await findIn(world, /assignments are/), [
    'lost: assignments at hiring: lost (1)',
    'doubled: assignments at hiring: doubled (1)',
  ]);
});

test('solutions that are gone, changed or nobody’s are found', async (t) => {
  const world = await worlds.open(t);
  const { solutions, candidates, assessmentId, exercises, authorId } = world.business;
  const hiring = world.database('hiring');
  await hiring`delete from solutions where id = ${solutions[1]!}`;
  await hiring`
    update solutions set state = 'accepted', revoked_at = null where id = ${solutions[0]!}`;
  await hiring`
    insert into solutions
      (id, candidate_id, assessment_id, exercise_id, author_id, state, submitted_at)
    values (${randomUUIDv7()}, ${candidates[1]}, ${assessmentId}, ${exercises[1]}, ${authorId},
      'rejected', now())`;
  assert.deepEqual(await findIn(world, /solutions are as told/), [
    'lost: solutions: lost (1)',
    'changed: solutions: changed (1)',
    'doubled: solutions: doubled (1)',
  ]);
});

test('a solution without an answer counts everywhere if it is stored, and nowhere if not', async (t) => {
  const world = await worlds.open(t);
  const { candidates, assessmentId, exercises, authorId } = world.business;
  const task = { candidateId: candidates[0], assessmentId, authorId };
  const solution = { ...task, exerciseId: exercises[0], isCorrect: false };
  const id = randomUUIDv7();
  world.told.solutions.loseAnswer(id, solution);
  assert.ok((await judge(world)).holds);
  await world.database('hiring')`
    insert into solutions
      (id, candidate_id, assessment_id, exercise_id, author_id, state, submitted_at)
    values (${id}, ${candidates[0]}, ${assessmentId}, ${exercises[0]}, ${authorId}, 'rejected',
      now())`;
  assert.deepEqual(await findIn(world, /ratings are what/), [
    'changed: ratings that no results explain (1)',
  ]);
  await world.database('hiring')`update assessment_ratings set results = 14, rating = 75`;
  assert.deepEqual(await findIn(world, /ratings are what/), []);
});

test('a rating that no results explain, and two answers that disagree, are found', async (t) => {
  const world = await worlds.open(t);
  await world.database('hiring')`update assessment_ratings set rating = rating - 1`;
  const other = { rating: 1, results: 1n, accepted: 1n };
  world.told.hearRating(world.business.assessmentId, 2n, other);
  assert.deepEqual(await findIn(world, /ratings are what/), [
    'changed: ratings that no results explain (1)',
    'changed: versions of ratings of which two things were told (1)',
  ]);
});

test('a promotion that is not stored is found', async (t) => {
  const world = await worlds.open(t);
  await world.database('management')`delete from teachers`;
  assert.deepEqual(await findIn(world, /teachers/), ['lost: promotions that are not stored (1)']);
});

async function spoiledLedger(t: TestContext): Promise<World> {
  const world = await worlds.open(t);
  await unlockLedger(world);
  return world;
}

test('a solution that was not credited, and a debit that is gone, are found', async (t) => {
  const world = await spoiledLedger(t);
  const bonuses = world.database('bonuses');
  const [revoked, second] = world.business.solutions as [string, string];
  const dropped = bonuses`
    select id from bookings
    where solution_id = ${second} or (solution_id = ${revoked} and kind = 'debit')`;
  await bonuses`delete from ledger_entries where booking_id in (${dropped})`;
  await bonuses`
    delete from bookings
    where solution_id = ${second} or (solution_id = ${revoked} and kind = 'debit')`;
  assert.deepEqual(await findIn(world, /are credited/), [
    'lost: solutions without their booking (2)',
  ]);
  assert.deepEqual(await findIn(world, /transfers/), [
    'doubled: transfers that no booking explains (2)',
  ]);
});

test('a bonus for nothing is found', async (t) => {
  const world = await worlds.open(t);
  const { assessmentId, authorId } = world.business;
  const event = { eventId: randomUUIDv7(), solutionId: randomUUIDv7(), assessmentId, authorId };
  const booking = creditSolution(event, { rating: 50, version: 0n }, new Date());
  await insertBooking(world.database('bonuses') as unknown as Transaction, booking);
  assert.deepEqual(await findIn(world, /are credited/), [
    'doubled: bookings that no solution explains (1)',
  ]);
  assert.deepEqual(await findIn(world, /transfers/), [
    'lost: bookings that finance has not moved (1)',
  ]);
});

test('a debit of another amount than its credit is found, to the account', async (t) => {
  const world = await spoiledLedger(t);
  await world.database('bonuses')`
    update bookings set amount_minor = amount_minor + 1 where kind = 'debit'`;
  assert.deepEqual(await findIn(world, /are credited/), [
    'changed: bookings of another author or amount (1)',
  ]);
  assert.deepEqual(await findIn(world, /follow from ratings/), [
    'changed: bookings of another amount than their rating makes (1)',
  ]);
  assert.deepEqual(await findIn(world, /balances/), [
    'changed: accounts that hold another amount (2)',
  ]);
  assert.deepEqual(await findIn(world, /transfers/), [
    'changed: transfers of another kind, account or amount (1)',
  ]);
});

test('a bonus by a rating that hiring never had is found; a lost answer may explain a version', async (t) => {
  const world = await spoiledLedger(t);
  const bonuses = world.database('bonuses');
  const [, second, third] = world.business.solutions as [string, string, string];
  await bonuses`
    update bookings set rating = 99, amount_minor = 9900 where solution_id = ${second}`;
  await bonuses`update bookings set rating_version = 77 where solution_id = ${third}`;
  const claim = /follow from ratings/;
  const sentence = 'changed: bookings by ratings that hiring never had';
  assert.deepEqual(await findIn(world, claim), [`${sentence} (2)`]);
  world.told.lostRatings = 1;
  assert.deepEqual(await findIn(world, claim), [`${sentence} (1)`]);
});

test('a ledger that does not sum to zero is found', async (t) => {
  const world = await spoiledLedger(t);
  await world.database('bonuses')`
    update ledger_entries set amount_minor = amount_minor - 1 where account = 'company'`;
  assert.deepEqual(await findIn(world, /sums to zero/), [
    'changed: accounts that hold another amount (1)',
    'changed: the ledger does not sum to zero (1)',
  ]);
});

test('money that moved twice is found', async (t) => {
  const world = await worlds.open(t);
  await world.database('finance')`
    insert into transfers (id, idempotency_key, kind, account_id, amount_minor, link, made_at)
    select gen_random_uuid(), gen_random_uuid(), kind, account_id, amount_minor, link, made_at
    from transfers limit 1`;
  assert.deepEqual(await findIn(world, /transfers/), [
    'doubled: transfers that no booking explains (1)',
  ]);
});

test('what was written while a link was pulled for need not arrive, its replica must', async (t) => {
  const world = { ...(await worlds.open(t)), pulled: new Set(['COMM-060']) };
  const bonuses = world.database('bonuses');
  const dropped = await bonuses<{ hash: bigint; lane: number }[]>`
    delete from relink.inbox where link = 'COMM-060' and version between 3 and 5
    returning hash, lane`;
  for (const { hash } of dropped)
    await world.database('hiring')`
      update relink.closed set count = count - 1, sum = sum - ${hash}
      where leg = 'COMM-060/bonuses'`;
  assert.ok((await judge(world)).holds);
  await bonuses`update rating_replicas set version = version - 1`;
  assert.deepEqual(await findIn(world, /ratings are equal/), [
    'lost: ratings that bonuses lacks or has older (1)',
  ]);
});

test('a replica that was made again is filled with known versions, under a new epoch, once', async (t) => {
  const world = await worlds.open(t);
  const { assessmentId } = world.business;
  const message = { link: 'COMM-060', key: assessmentId, version: 14 };
  const fillAgain = async () => {
    const hash = await addInboxRow(world.database('bonuses'), { ...message, epoch: 4 });
    const closed = { link: 'COMM-060', consumer: 'bonuses', key: assessmentId, hash, epoch: 4 };
    await addClosed(world.database('hiring'), closed);
  };
  await fillAgain();
  assert.equal((await judge(world)).holds, false);
  const pulled = { ...world, pulled: new Set(['COMM-060']) };
  assert.equal((await judge(pulled)).holds, true);
  await fillAgain();
  assert.deepEqual(await findIn(pulled, /^COMM-060/), [
    'doubled: versions that took effect twice at bonuses (2)',
  ]);
});

test('while a link is pulled there is no replica to compare, and the claim says so', async (t) => {
  const world = await worlds.open(t);
  await world.database('hiring')`
    insert into relink.routes (leg, lane, transport, version, epoch, adopted_transport,
      adopted_version, adopted_epoch)
    values ('COMM-060/bonuses', 0, 'pull', 0, 2, 'pull', 0, 2)`;
  await world.database('bonuses')`drop table rating_replicas`;
  const { checks, holds } = await judge(world);
  assert.ok(holds);
  const claim = 'bonuses keeps no ratings: COMM-060 is pulled, so it asks hiring';
  assert.ok(checks.some((check) => check.claim === claim));
});
