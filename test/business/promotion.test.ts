/** Promoting a candidate: management decides, hiring owns the status, COMM-030 tells it. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { ManagementService } from '../../gen/management/v1/management_service_pb.ts';
import type { EventJson } from '../../link/contracts/contract.ts';
import { enqueue } from '../../link/outbox/enqueue.ts';
import { createRpcClient } from '../../rpc/client.ts';
import { createRpcServer, type ServedService, serve } from '../../rpc/server.ts';
import { closePostgres, connectPostgres, type Transaction } from '../../runtime/postgres.ts';
import { assignAssessments } from '../../services/hiring/events/assignments.ts';
import { hiringHandlers } from '../../services/hiring/rpc/hiring.ts';
import { links } from '../../services/links.ts';
import { putCandidates } from '../../services/management/events/candidates.ts';
import { managementHandlers } from '../../services/management/rpc/management.ts';
import type { Kit } from '../../services/service.ts';
import { testDatabase } from '../harness/postgres.ts';
import { until } from '../harness/until.ts';
import { isRefusal } from '../rigs/processes/clients.ts';

const [authorId, assessmentId, otherId, exerciseId, otherExerciseId] = Array.from(
  { length: 5 },
  () => randomUUIDv7(),
) as [string, string, string, string, string];

/** Writes messages as the kit does; nobody delivers them. */
const kit = {
  enqueue: (tx: Transaction, id: keyof typeof links, messages: never) =>
    enqueue(tx, links[id], messages),
  deliver: async () => [],
} as unknown as Kit;

async function openDatabase(t: TestContext, service: 'hiring' | 'management') {
  const fill = (url: string) => applyExpand(url, ['link', service]);
  const { url } = await testDatabase(t, { name: `service_${service}`, fill });
  const sql = connectPostgres(url, { name: 'test' });
  t.after(() => closePostgres(sql));
  return sql;
}

async function startServer(t: TestContext, served: ServedService, port = 0) {
  const services = [served];
  const server = createRpcServer({ host: '127.0.0.1', port, services, stopLimitMs: 100 });
  await server.start();
  t.after(() => server.stop());
  return server;
}

/** Hiring and management, each on its own database, and one candidate whom both know. */
async function open(t: TestContext) {
  const [hiringSql, managementSql] = await Promise.all([
    openDatabase(t, 'hiring'),
    openDatabase(t, 'management'),
  ]);
  const servedHiring = serve(HiringService, hiringHandlers({ sql: hiringSql, kit }));
  const hiringServer = await startServer(t, servedHiring);
  const hiringPort = hiringServer.port();
  const hiring = createRpcClient(HiringService, `127.0.0.1:${hiringPort}`);
  t.after(() => hiring.close());
  const handlers = managementHandlers({ sql: managementSql, kit, hiring: () => hiring });
  const server = await startServer(t, serve(ManagementService, handlers));
  const management = createRpcClient(ManagementService, `127.0.0.1:${server.port()}`);
  t.after(() => management.close());

  /** What COMM-030 brings, in the order in which it was written. */
  const told = async () =>
    hiringSql<{ key: string; version: bigint; body: string }[]>`
      select key, version, body from relink.outbox where leg = 'COMM-030/management' order by seq`;
  const replicate = async () => {
    for (const { key, version, body } of await told()) {
      const { event_name: event, payload } = JSON.parse(body) as EventJson;
      await managementSql.begin((tx) =>
        putCandidates.apply(tx, [{ key, version, event, payload, contractVersion: 0, older: {} }]),
      );
    }
  };
  const { candidate } = await hiring.registerCandidate({ name: 'Emmy Noether' });
  const { candidateId } = candidate!;
  await replicate();
  const find = async () => {
    const { candidates } = await management.listCandidates({});
    return candidates.find((one) => one.candidateId === candidateId)!;
  };
  return {
    ...{ hiring, management, candidateId, told, replicate, find, hiringSql, managementSql },
    stopHiring: () => hiringServer.stop(),
    startHiring: () => startServer(t, servedHiring, hiringPort),
  };
}

test('who is promoted is a teacher at hiring, and the candidate’s event says so', async (t) => {
  const { hiring, management, candidateId, told, replicate, find } = await open(t);
  const { candidate } = await management.promoteCandidate({ candidateId });
  assert.equal(candidate!.status, 'teacher');
  const owned = await hiring.getCandidate({ candidateId });
  assert.deepEqual([owned.candidate!.status, owned.candidate!.version], ['teacher', 2n]);
  const { payload } = JSON.parse((await told()).at(-1)!.body) as EventJson;
  assert.equal(payload.status, 'teacher');
  await replicate();
  assert.equal((await find()).version, 2n);
});

test('a candidate who is promoted by several calls at once changes once', async (t) => {
  const { hiring, management, candidateId, told } = await open(t);
  const promote = () => management.promoteCandidate({ candidateId });
  const answers = await Promise.all(Array.from({ length: 8 }, promote));
  const [first] = answers;
  for (const { candidate } of answers)
    assert.deepEqual(candidate!.promotedAt, first!.candidate!.promotedAt);
  const { candidate } = await hiring.getCandidate({ candidateId });
  assert.equal(candidate!.version, 2n);
  assert.equal((await told()).length, 2, 'registered, promoted');
});

test('a promotion beside an assignment and a solution loses none of the three', async (t) => {
  const { hiring, management, candidateId, told, hiringSql } = await open(t);
  for (const [id, exercise] of [
    [assessmentId, exerciseId],
    [otherId, otherExerciseId],
  ] as const) {
    const exercises = [{ exercise_id: exercise, title: 'S4/V4', text: '', difficulty: 1 }];
    await hiringSql`
      insert into assessment_replicas (id, version, author_id, title, exercises)
      values (${id}, 1, ${authorId}, 'Groups', ${JSON.stringify(exercises)}::text::jsonb)`;
  }
  const assign = (assessment: string) =>
    hiringSql.begin((tx) => assignAssessments.apply(tx, assigned(candidateId, assessment)));
  await assign(assessmentId);
  const solution = { candidateId, assessmentId, exerciseId, correct: true };
  await Promise.all([
    management.promoteCandidate({ candidateId }),
    assign(otherId),
    hiring.submitSolution(solution),
  ]);
  const { candidate } = await hiring.getCandidate({ candidateId });
  const { status, version, exercisesToSolve } = candidate!;
  assert.deepEqual([status, version, exercisesToSolve], ['teacher', 5n, [otherExerciseId]]);
  assert.deepEqual(
    (await told()).map((one) => one.version),
    [1n, 2n, 3n, 4n, 5n],
  );
});

test('while hiring is away nobody is promoted, and the call repeated later promotes', async (t) => {
  const { management, candidateId, find, stopHiring, startHiring } = await open(t);
  await stopHiring();
  const promote = () => management.promoteCandidate({ candidateId });
  await assert.rejects(promote(), isRefusal('UNAVAILABLE', 'UNAVAILABLE'));
  const { status, promotedAt } = await find();
  assert.deepEqual([status, promotedAt], ['candidate', undefined]);
  await startHiring();
  const answer = await until(() => promote(), { what: 'hiring is called again' });
  assert.equal(answer!.candidate!.status, 'teacher');
});

test('what a crash between hiring and management left is completed by the call repeated', async (t) => {
  const { hiring, management, candidateId, find } = await open(t);
  await hiring.makeTeacher({ candidateId });
  assert.equal((await find()).promotedAt, undefined);
  const { candidate } = await management.promoteCandidate({ candidateId });
  assert.ok(candidate!.promotedAt);
  const owned = await hiring.getCandidate({ candidateId });
  assert.equal(owned.candidate!.version, 2n, 'promoted once');
});

test('whom hiring does not know is not promoted', async (t) => {
  const { management, managementSql } = await open(t);
  const candidateId = randomUUIDv7();
  await managementSql`
    insert into candidate_replicas (id, version, name, status, exercises_to_solve)
    values (${candidateId}, 1, 'Nobody', 'candidate', '[]')`;
  const refusal = isRefusal('NOT_FOUND', 'ID_UNKNOWN');
  await assert.rejects(management.promoteCandidate({ candidateId }), refusal);
  assert.equal((await managementSql`select from teachers`).length, 0);
});

function assigned(candidateId: string, assessment: string) {
  const payload = {
    assignment_id: randomUUIDv7(),
    assessment_id: assessment,
    candidate_id: candidateId,
    assigned_by: 'management',
    assigned_at: '2026-01-01T00:00:00Z',
  };
  const key = payload.assignment_id;
  return { eventId: randomUUIDv7(), key, version: 1n, event: 'AssessmentAssigned', payload };
}
