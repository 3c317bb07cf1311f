/** Assignments and assessments in either order, on a real database. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { FormalHandler, Transaction } from 'relink';
import { closePostgres, connectPostgres } from 'relink/runtime';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
import { until } from '../../../test/harness/until.ts';
import { registerCandidate } from '../domain/candidate.ts';
import { findCandidate, insertCandidate } from '../store/candidates.ts';
import { insertSolution } from '../store/solutions.ts';
import { putAssessments, putChangedAssessments } from './assessments.ts';
import { assignAssessments } from './assignments.ts';

const template = {
  name: 'service_hiring',
  fill: (url: string) => applyExpand(url, ['link', 'hiring']),
};
const AT = '2026-01-01T00:00:00Z';
const authorId = randomUUIDv7();
const [first, second, third] = [randomUUIDv7(), randomUUIDv7(), randomUUIDv7()];

interface State {
  readonly id: string;
  readonly version: bigint;
  readonly exercises: readonly string[];
}

async function open(t: TestContext) {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test' });
  t.after(() => closePostgres(sql));
  return {
    sql,
    register: async () => {
      const candidate = registerCandidate(randomUUIDv7(), 'Ada Lovelace', new Date(AT));
      await sql.begin((tx) => insertCandidate(tx, candidate));
      return candidate.id;
    },
    create: (...states: State[]) => sql.begin((tx) => create(tx, ...states)),
    update: (state: State) =>
      sql.begin((tx) => put(tx, putChangedAssessments, [changeOf('AssessmentUpdated', state)])),
    assign: (candidateId: string, assessmentId: string) =>
      sql.begin((tx) => assign(tx, candidateId, assessmentId)),
    /** What the candidate has to solve, and how often it changed. */
    look: async (id: string) => {
      const { version, exercisesToSolve } = (await findCandidate(sql, id))!;
      return { version, exercisesToSolve };
    },
    /** Whether a connection waits for a lock; nothing when not. */
    isWaiting: async () => {
      const rows = await sql`
        select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      return rows.length > 0 || undefined;
    },
    told: async () => {
      const rows = await sql<{ key: string; version: bigint }[]>`
        select key, version from relink.outbox where leg = 'COMM-030/management' order by seq`;
      return rows.map(({ key, version }) => [key, version]);
    },
  };
}

function create(tx: Transaction, ...states: State[]) {
  const changes = states.map((state) => changeOf('AssessmentCreated', state));
  return put(tx, putAssessments, changes);
}

function put(tx: Transaction, { apply }: FormalHandler<never>, changes: never[]) {
  return apply(tx, changes);
}

function changeOf(event: string, { id, version, exercises }: State): never {
  const payload = {
    assessment_replication_id: id,
    author_replication_id: authorId,
    title: 'Groups',
    exercises: exercises.map((exercise_id) => ({
      exercise_id,
      title: 'S4/V4',
      text: '',
      difficulty: 1,
    })),
  };
  return { event, key: id, version, payload } as never;
}

function assign(tx: Transaction, candidateId: string, assessmentId: string) {
  const key = randomUUIDv7();
  const payload = {
    assignment_id: key,
    assessment_id: assessmentId,
    candidate_id: candidateId,
    assigned_by: 'management',
    assigned_at: AT,
  };
  const event = { event: 'AssessmentAssigned', key, eventId: randomUUIDv7(), version: 1n };
  return assignAssessments.apply(tx, { ...event, payload });
}

test('an assignment that comes before its assessment is completed by it, for every candidate', async (t) => {
  const { register, assign, create, look, told } = await open(t);
  const [ada, emmy, other] = [await register(), await register(), await register()];
  const id = randomUUIDv7();
  await assign(ada, id);
  await assign(emmy, id);
  await assign(other, randomUUIDv7());
  assert.deepEqual(await told(), [], 'nothing is known to solve');
  await create({ id, version: 1n, exercises: [first, second] });
  for (const one of [ada, emmy])
    assert.deepEqual(await look(one), { version: 2n, exercisesToSolve: [first, second] });
  assert.deepEqual(await look(other), { version: 1n, exercisesToSolve: [] });
  const keys = (await told()).map(([key]) => key);
  assert.deepEqual(keys, [ada, emmy].sort());
});

test('an assignment that comes after its assessment is complete, and a repeated state changes nothing', async (t) => {
  const { register, assign, create, update, look, told } = await open(t);
  const [ada, id] = [await register(), randomUUIDv7()];
  await create({ id, version: 1n, exercises: [first] });
  await assign(ada, id);
  await create({ id, version: 1n, exercises: [first] });
  await update({ id, version: 2n, exercises: [first] });
  assert.deepEqual(await look(ada), { version: 2n, exercisesToSolve: [first] });
  assert.equal((await told()).length, 1);
});

test('exercises that an update brings are assigned too, and an older state brings none', async (t) => {
  const { register, assign, create, update, look } = await open(t);
  const [ada, id] = [await register(), randomUUIDv7()];
  await assign(ada, id);
  await update({ id, version: 2n, exercises: [first, second] });
  assert.deepEqual(await look(ada), { version: 2n, exercisesToSolve: [first, second] });
  await create({ id, version: 1n, exercises: [first, third] });
  assert.deepEqual((await look(ada)).version, 2n);
  await update({ id, version: 3n, exercises: [first, second, third] });
  assert.deepEqual(await look(ada), { version: 3n, exercisesToSolve: [first, second, third] });
});

test('assessments that come together change a candidate once', async (t) => {
  const { register, assign, create, look } = await open(t);
  const [ada, one, other] = [await register(), randomUUIDv7(), randomUUIDv7()];
  await assign(ada, one);
  await assign(ada, other);
  await create(
    { id: one, version: 1n, exercises: [first] },
    { id: other, version: 1n, exercises: [second] },
  );
  const { version, exercisesToSolve } = await look(ada);
  assert.deepEqual([version, new Set(exercisesToSolve)], [2n, new Set([first, second])]);
});

test('what was solved is not assigned again when a replica is made anew', async (t) => {
  const { sql, register, assign, create, look } = await open(t);
  const [ada, id] = [await register(), randomUUIDv7()];
  const solution = {
    ...{ candidateId: ada, assessmentId: id, authorId, acceptedBy: '', submittedAt: new Date(AT) },
  };
  await assign(ada, id);
  const accepted = { ...solution, id: randomUUIDv7(), exerciseId: first, state: 'accepted' };
  const rejected = { ...solution, id: randomUUIDv7(), exerciseId: second, state: 'rejected' };
  await sql.begin((tx) => insertSolution(tx, accepted as never));
  await sql.begin((tx) => insertSolution(tx, rejected as never));
  await create({ id, version: 4n, exercises: [first, second] });
  assert.deepEqual((await look(ada)).exercisesToSolve, [second]);
});

for (const isKnown of [false, true]) {
  const what = isKnown ? 'more exercises' : 'its exercises';

  test(`an assignment that commits while ${what} are written is completed`, async (t) => {
    const { sql, register, create: createAlone, look, isWaiting } = await open(t);
    const [ada, id] = [await register(), randomUUIDv7()];
    if (isKnown) await createAlone({ id, version: 1n, exercises: [first] });
    const [written, mayCommit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const assigned = sql.begin(async (tx) => {
      await assign(tx, ada, id);
      written.resolve();
      await mayCommit.promise;
    });
    await written.promise;
    const created = createAlone({ id, version: 2n, exercises: [first, second] });
    await until(isWaiting, { what: 'the assessment waits' });
    mayCommit.resolve();
    await Promise.all([assigned, created]);
    assert.deepEqual((await look(ada)).exercisesToSolve, [first, second]);
  });

  test(`an assignment that begins while ${what} are written has them`, async (t) => {
    const { sql, register, create: createAlone, look, isWaiting, assign } = await open(t);
    const [ada, id] = [await register(), randomUUIDv7()];
    if (isKnown) await createAlone({ id, version: 1n, exercises: [first] });
    const [written, mayCommit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const created = sql.begin(async (tx) => {
      await create(tx, { id, version: 2n, exercises: [first, second] });
      written.resolve();
      await mayCommit.promise;
    });
    await written.promise;
    const assigned = assign(ada, id);
    await until(isWaiting, { what: 'the assignment waits' });
    mayCommit.resolve();
    await Promise.all([assigned, created]);
    assert.deepEqual((await look(ada)).exercisesToSolve, [first, second]);
  });
}
