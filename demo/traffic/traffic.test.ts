import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RpcError } from '../../rpc/errors.ts';
import { until } from '../../test/harness/until.ts';
import { Caller } from './caller.ts';
import { openCompany, pending, type StandIns } from './company.fixture.ts';
import { History } from './history.ts';
import { EntityRecords } from './records.ts';
import { seedCompany } from './seed.ts';
import { Traffic } from './traffic.ts';
import { ACTIONS, Workload } from './workload.ts';

const lost = () => {
  throw new RpcError('UNAVAILABLE', 'UNAVAILABLE', 'the answer was lost');
};
const ID = '0199b0de-0000-7000-8000-000000000001';

async function callers(t: TestContext, ...replicas: StandIns[]) {
  const history = new History();
  const addresses = await openCompany(t, ...replicas);
  const caller = new Caller({ addresses, connections: 1, history });
  t.after(() => caller.close());
  return { history, caller, workload: new Workload(caller) };
}

test('a registration whose answer is lost is retried at another replica with the same id', async (t) => {
  const ids: string[] = [];
  const failing: StandIns = {
    assessments: {
      registerManager: ({ managerId }) => {
        ids.push(managerId ?? '');
        return lost();
      },
    },
  };
  const { history, caller } = await callers(t, failing, {});
  const result = await caller.registerManager();
  assert.deepEqual([result.tries, result.isUnknown], [2, false]);
  assert.deepEqual(
    result.deliveries.map(({ link, state }) => [link, state]),
    [['COMM-010', 'applied']],
  );
  const [manager] = history.managers.all();
  assert.deepEqual([manager?.id, manager?.version, manager?.unknown], [ids[0], 1n, 0]);
});

test('a registration that never gets an answer fails and leaves its outcome unknown', async (t) => {
  const { history, caller } = await callers(t, { assessments: { registerManager: lost } });
  const result = await caller.registerManager();
  assert.deepEqual([result.answer, result.tries, result.isUnknown], [undefined, 6, true]);
  assert.equal(history.managers.count, 0);
  assert.deepEqual(
    history.managers
      .all()
      .map(({ version, acknowledged, unknown }) => [version, acknowledged, unknown]),
    [[0n, 0, 1]],
  );
});

test('a rename is retried with the same names, and each lost answer may be a version', async (t) => {
  const names: unknown[] = [];
  const { history, caller } = await callers(t, {
    assessments: {
      updateManager: ({ managerId, firstName = '', lastName = '' }) => {
        names.push(`${firstName} ${lastName}`);
        if (names.length < 3) return lost();
        return { manager: { managerId, firstName, lastName, version: 4n }, deliveries: [] };
      },
    },
  });
  history.managers.acknowledge(ID, 1n, { firstName: 'Ada', lastName: 'Lovelace' });
  await caller.renameManager(ID);
  assert.deepEqual([names.length, new Set(names).size], [3, 1]);
  const manager = history.managers.get(ID);
  assert.deepEqual([manager?.version, manager?.acknowledged, manager?.unknown], [4n, 2, 2]);
});

test('a refused rename changed nothing, and its outcome is known', async (t) => {
  const updateManager = () => {
    throw new RpcError('NOT_FOUND', 'ID_UNKNOWN', 'no such manager');
  };
  const { history, caller } = await callers(t, { assessments: { updateManager } });
  const { answer, isUnknown, isNotYet } = await caller.renameManager(ID);
  assert.deepEqual([answer, isUnknown, isNotYet], [undefined, false, false]);
  assert.deepEqual(history.managers.all(), []);
});

test('the newest acknowledged version counts, whichever answer came last', () => {
  const history = new EntityRecords<string>();
  history.acknowledge('a', 3n, 'newest');
  history.acknowledge('a', 2n, 'older');
  const entity = { id: 'a', version: 3n, fields: 'newest', acknowledged: 2, unknown: 0 };
  assert.deepEqual(history.all(), [entity]);
  assert.equal(history.count, 1);
});

test('traffic for days keeps only the newest records', () => {
  const history = new History(2);
  for (const [at, id] of ['a', 'b', 'c'].entries()) {
    history.managers.acknowledge(id, 1n, { firstName: 'Ada', lastName: id });
    history.candidates.acknowledge(id, { name: id });
    history.recordRating(id, 1n, { rating: at, results: 1n, accepted: 0n });
  }
  assert.deepEqual([history.managers.count, history.managers.idAt(0)], [2, 'b']);
  assert.deepEqual([...history.candidates.acknowledged.keys()], ['b', 'c']);
  assert.deepEqual([history.ratingOf('a', 1n), history.ratingOf('b', 1n)?.rating], [undefined, 1]);
});

test('a solution whose answer was lost is recorded as unknown, and so is its rating', async (t) => {
  const { history, caller } = await callers(t, { hiring: { submitSolution: lost } });
  const solution = {
    candidateId: ID,
    assessmentId: ID,
    exerciseId: ID,
    authorId: ID,
    isCorrect: true,
  };
  const { tries } = await caller.submit(solution);
  assert.deepEqual([...history.solutions.unknown.values()], [solution]);
  assert.deepEqual([history.solutions.acknowledged.size, history.unknownRatings], [0, tries]);
});

test('two answers about one version of a rating must agree', () => {
  const history = new History();
  const rating = { rating: 67, results: 1n, accepted: 1n };
  history.recordRating('a', 1n, rating);
  history.recordRating('a', 1n, rating);
  assert.deepEqual(history.contradictions, []);
  history.recordRating('a', 1n, { ...rating, rating: 66 });
  assert.deepEqual(history.contradictions, [{ assessmentId: 'a', version: 1n }]);
});

test('the workload plans every action, and each has what it needs', async (t) => {
  const { history, workload } = await callers(t);
  await seedCompany({ workload, managers: 40 });
  const done = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const request = workload.next();
    const { answer } = await request.send();
    if (answer) done.add(request.action);
  }
  assert.deepEqual([...done].sort(), [...ACTIONS].sort());
  for (const [id, { candidateId, assessmentId, exerciseId }] of history.solutions.acknowledged) {
    const exercises = history.assessments.get(assessmentId)?.fields?.exercises ?? [];
    assert.ok(exercises.some((one) => one.id === exerciseId) || exercises.length === 0, id);
    const isAssigned = [...history.assignments.acknowledged.values()].some(
      (one) => one.candidateId === candidateId && one.assessmentId === assessmentId,
    );
    assert.ok(isAssigned, id);
  }
  for (const id of history.revocations.acknowledged.keys())
    assert.ok(history.solutions.acknowledged.get(id)?.isCorrect);
});

test('an assessment is not assigned before hiring was seen to have it', async (t) => {
  let isThere = false;
  let looks = 0;
  const { history, workload } = await callers(t, {
    assessments: {
      createAssessment: ({ assessmentId = '', authorId, title }) => ({
        assessment: {
          assessmentId,
          authorId,
          title,
          version: 1n,
          exercises: [{ exerciseId: ID, title: 'E', text: '', difficulty: 1 }],
        },
        deliveries: pending('COMM-020'),
      }),
    },
    hiring: {
      getAssessmentReplica: ({ assessmentId }) => {
        looks += 1;
        if (!isThere) throw new RpcError('NOT_FOUND', 'ID_UNKNOWN', 'not here');
        return { assessment: { assessmentId, version: 1n } };
      },
    },
  });
  await workload.plan('registerManager')?.send();
  await workload.plan('createAssessment')?.send();
  await workload.plan('registerCandidate')?.send();
  const liveUntil = (isDone: () => boolean, what: string) =>
    until(
      async () => {
        const request = workload.next();
        const { isNotYet } = await request.send();
        assert.equal(isNotYet, request.action === 'look' && !isThere);
        return isDone();
      },
      { what },
    );
  await liveUntil(() => looks >= 2, 'two looks');
  assert.equal(history.assignments.acknowledged.size, 0);
  isThere = true;
  await liveUntil(() => history.assignments.acknowledged.size > 0, 'an assignment');
});

test('a request that comes too early is sent again later and is not a failure', async (t) => {
  let assigned = 0;
  let submitted = 0;
  const addresses = await openCompany(t, {
    hiring: {
      registerCandidate: ({ candidateId = '', name }) => ({
        candidate: { candidateId, name, version: 1n },
        deliveries: pending('COMM-030'),
      }),
      submitSolution: ({ solutionId = '', assessmentId }) => {
        submitted += 1;
        if (submitted % 3 === 1)
          throw new RpcError('FAILED_PRECONDITION', 'NOT_ASSIGNED', 'not yet');
        return {
          solution: { solutionId },
          rating: { assessmentId, version: 1n, rating: 67, results: 1n, accepted: 1n },
          deliveries: [],
        };
      },
    },
    management: {
      assignAssessment: ({ assignmentId = '' }) => {
        assigned += 1;
        if (assigned % 3 === 1) throw new RpcError('NOT_FOUND', 'ID_UNKNOWN', 'not yet');
        return { assignment: { assignmentId }, deliveries: pending('COMM-070') };
      },
    },
  });
  // An open loop above what a busy machine carries would never catch up.
  const traffic = new Traffic({ addresses, ratePerSecond: 150 });
  t.after(() => traffic.close());
  await seedCompany({ workload: traffic.workload, managers: 40 });
  traffic.start();
  await until(
    () => traffic.counts.not_yet >= 10 && traffic.history.solutions.acknowledged.size >= 10,
    {
      what: 'requests that came too early, and solutions',
    },
  );
  await traffic.stop();
  assert.equal(traffic.counts.failed, 0);
});

test('requests go out by the clock, not by the answers, and all are counted', async (t) => {
  let arrived = 0;
  const gate = Promise.withResolvers<void>();
  const wait = async <A>(answer: A) => {
    arrived += 1;
    await gate.promise;
    return answer;
  };
  const addresses = await openCompany(t, {
    assessments: {
      registerManager: ({ managerId = '', firstName, lastName }) =>
        wait({ manager: { managerId, firstName, lastName, version: 1n }, deliveries: [] }),
    },
    hiring: {
      registerCandidate: ({ candidateId = '', name }) =>
        wait({ candidate: { candidateId, name, version: 1n }, deliveries: [] }),
    },
  });
  const traffic = new Traffic({ addresses, ratePerSecond: 200 });
  t.after(() => {
    gate.resolve();
    return traffic.close();
  });
  const window = traffic.latencies.openWindow();
  traffic.start();
  // A closed loop would wait for its first answers and never send this many.
  await until(() => arrived >= 20, { what: '20 requests without one answer' });
  const stopped = traffic.stop();
  gate.resolve();
  await stopped;
  const { requests, failed, shed } = traffic.counts;
  assert.deepEqual([requests, failed, shed], [arrived, 0, 0]);
  const { registerManager = 0, registerCandidate = 0 } = traffic.actions;
  assert.deepEqual(
    [registerManager + registerCandidate, traffic.history.acknowledgedCount],
    [arrived, arrived],
  );
  // The first was due at least nineteen requests of 5 ms before the gate opened.
  const { count, maxMs } = window.close();
  assert.equal(count, arrived);
  assert.ok(maxMs >= 90, `${maxMs} ms`);
});

test('failed requests are counted with their errors', async (t) => {
  const refuse = () => {
    throw new RpcError('ALREADY_EXISTS', 'ID_TAKEN', 'too many requests');
  };
  const addresses = await openCompany(t, {
    assessments: { registerManager: refuse },
    hiring: { registerCandidate: refuse },
  });
  const traffic = new Traffic({ addresses, ratePerSecond: 500 });
  t.after(() => traffic.close());
  traffic.start();
  await until(() => traffic.counts.failed >= 5, { what: 'five failed requests' });
  await traffic.stop();
  const { requests, failed } = traffic.counts;
  assert.equal(failed, requests);
  assert.ok(traffic.errors.every(([message]) => message.startsWith('ALREADY_EXISTS')));
  assert.equal(
    traffic.errors.reduce((sum, [, count]) => sum + count, 0),
    failed,
  );
});

test('seeding makes exactly what was asked for, whatever fails in between', async (t) => {
  let calls = 0;
  const { history, workload } = await callers(t, {
    assessments: {
      registerManager: ({ managerId = '', firstName, lastName }) => {
        calls += 1;
        if (calls % 10 === 0) throw new RpcError('ALREADY_EXISTS', 'ID_TAKEN', 'later');
        return { manager: { managerId, firstName, lastName, version: 1n }, deliveries: [] };
      },
    },
  });
  let reported = 0;
  const onProgress = (done: number) => {
    reported = Math.max(reported, done);
  };
  assert.equal(await seedCompany({ workload, managers: 300, onProgress }), 390);
  assert.deepEqual(
    [
      history.managers.count,
      history.assessments.count,
      history.candidates.acknowledged.size,
      reported,
    ],
    [300, 30, 60, 390],
  );
});

test('seeding gives up when every registration is refused', async (t) => {
  const { workload } = await callers(t, {
    assessments: {
      registerManager: () => {
        throw new RpcError('ALREADY_EXISTS', 'ID_TAKEN', 'never');
      },
    },
  });
  await assert.rejects(seedCompany({ workload, managers: 100 }), { code: 'ALREADY_EXISTS' });
});
