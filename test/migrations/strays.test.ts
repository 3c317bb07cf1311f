/** Lanes that something else moved: no gate passes, and no run completes as if they had stayed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Reading } from '../../gen/relink/v1/participant_pb.ts';
import { ALL_LANES, type Transport } from '../../link/link.ts';
import { watchGate } from '../../migration/engine/gatekeeper.ts';
import { Lease } from '../../migration/engine/lease.ts';
import { WaitingRuns } from '../../migration/engine/waitingRuns.ts';
import { MigrationError, StepProblem } from '../../migration/errors.ts';
import { adopted } from '../../migration/gates/adopted.ts';
import { Participants, transportToWire } from '../../migration/participants.ts';
import { COMPLETE } from '../../migration/plan.ts';
import { choosePlan } from '../../migration/plans/index.ts';
import { gate } from '../../migration/plans/transport.ts';
import { Journal, type NewRun } from '../../migration/run/journal.ts';
import { nextAction } from '../../migration/run/life.ts';
import { giveOrder } from '../../migration/run/orders.ts';
import type { JsonObject } from '../../migration/run/record.ts';
import { silentLog } from '../../runtime/log.ts';
import type { Owner } from '../harness/owner.ts';
import { until } from '../harness/until.ts';
import {
  openAlone,
  operatorDatabase,
  type Played,
  playService,
  syncToAsync,
} from '../rigs/oneStep.ts';

const CONSUMER = 'hiring';
const EPOCH = 5;
const NOWHERE = '127.0.0.1:1';

/** A producer all of whose lanes go by this route. */
function producer(transport: Transport, epoch: number, version = 0): Played {
  const route = { transport: transportToWire(transport), version };
  const epochs = { epoch: BigInt(epoch), adoptedEpoch: BigInt(epoch) };
  const lanes = ALL_LANES.map((lane) => ({ lane, ...route, ...epochs }));
  return { getRoutes: async () => ({ lanes, epoch: BigInt(epoch) }) };
}

/** Lane 0 as the run has moved it. */
const moved = { moved: { [CONSUMER]: { 0: EPOCH } } };

async function watch(t: Owner, services: Record<string, Played>, memory: JsonObject) {
  const step = gate('3', 'Watch', { name: 'watch', measures: [adopted] });
  const served = Object.entries(services).map(
    async ([name, played]) => [name, [await playService(t, played)]] as const,
  );
  const options = {
    step,
    consumers: [CONSUMER],
    services: Object.fromEntries(await Promise.all(served)),
  };
  const alone = await openAlone(t, options);
  const context = await alone.enter();
  await context.remember(memory);
  await watchGate(step, context);
}

const strayed = (pattern: RegExp) => (error: unknown) =>
  error instanceof StepProblem && error.kind === 'strayed' && pattern.test(error.message);

describe('a gate after a move', () => {
  it('passes when the lane is where the run put it', async (t) => {
    await watch(t, { assessments: producer('async', EPOCH) }, moved);
  });

  it('stops at once when the lane was moved back, and names route and epochs', async (t) => {
    await assert.rejects(
      watch(t, { assessments: producer('sync', 6) }, moved),
      strayed(
        /lane 0 of hiring go by sync v0, epoch 6, not by async v0, epoch 5;.* relink resume /,
      ),
    );
  });

  it('stops when the lane left and came back: its epoch is another one', async (t) => {
    await assert.rejects(
      watch(t, { assessments: producer('async', 7) }, moved),
      strayed(/epoch 7/),
    );
  });

  it('stops when the consumer reads from elsewhere than the run decided', async (t) => {
    const readings = { readings: { [CONSUMER]: { 3: Reading.OWNER } } };
    const lanes = ALL_LANES.map((lane) => ({ lane, reading: Reading.REPLICA }));
    const hiring: Played = { getReadings: async () => ({ lanes }) };
    await assert.rejects(
      watch(t, { assessments: producer('sync', 1), [CONSUMER]: hiring }, readings),
      strayed(/lane 3 of hiring read from the replica, not from the owner/),
    );
  });
});

interface Waiting {
  readonly run?: NewRun;
  readonly kind?: 'formal' | 'functional';
  readonly consumer?: readonly string[];
}

/** A run of the whole plan that waits for `complete`, with all its lanes moved. */
async function waitToComplete(
  t: Owner,
  address: string,
  { run = syncToAsync([CONSUMER]), kind = 'formal', consumer = [NOWHERE] }: Waiting = {},
) {
  const sql = await operatorDatabase(t);
  const journal = new Journal(sql);
  const participants = new Participants({ assessments: [address], [CONSUMER]: consumer });
  t.after(() => participants.close());
  const plan = choosePlan({ kind, ...run }, run.settings);
  const created = await journal.create(run, plan.steps);
  const { id } = created.run;
  const position = plan.steps.findIndex(({ name }) => name === COMPLETE);
  await sql`update migration.steps set state = 'done' where run_id = ${id} and position < ${position}`;
  const waiting = {
    gate: 'complete',
    value: '',
    threshold: run.link,
    since: created.run.startedAt,
  };
  const memory = {
    moved: { [CONSUMER]: Object.fromEntries(ALL_LANES.map((lane) => [lane, EPOCH])) },
  };
  await sql`update migration.runs set state = 'waiting', memory = ${JSON.stringify(memory)}::text::jsonb,
    waiting = ${JSON.stringify(waiting)}::text::jsonb where id = ${id}`;
  const order = (name: 'complete' | 'resume') =>
    giveOrder(
      { journal, participants },
      { order: name, runId: id, actor: 'test', confirm: run.link },
    );
  const lease = new Lease({ sql, owner: 'test', log: silentLog, durationMs: 60_000 });
  await lease.refresh();
  return { id, journal, participants, lease, order };
}

const refusal = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof MigrationError && error.code === code && pattern.test(error.message);

describe('a run that waits for complete', () => {
  it('is not completed when its lanes were moved: it pauses, and resuming moves them again', async (t) => {
    const desk = await waitToComplete(t, await playService(t, producer('sync', 9)));
    await assert.rejects(
      desk.order('complete'),
      refusal(
        'RUN_STATE',
        /is paused now: all 16 lanes of hiring .*sync v0, epoch 9.*relink rollback/,
      ),
    );
    const { run } = (await desk.journal.read(desk.id))!;
    assert.equal(run.state, 'paused');
    assert.match(run.problem, /something other than this run moved them/);
    const resumed = await desk.order('resume');
    const next = nextAction(resumed);
    assert.equal(next.kind === 'apply' && resumed.steps[next.position]!.name, 'route-canary');
  });

  it('is completed when they are where it put them', async (t) => {
    const desk = await waitToComplete(t, await playService(t, producer('async', EPOCH)));
    assert.equal((await desk.order('complete')).run.state, 'running');
  });

  it('is not completed while nobody can say where they are', async (t) => {
    const desk = await waitToComplete(t, NOWHERE);
    await assert.rejects(desk.order('complete'), refusal('PARTICIPANT_AWAY', /relink complete/));
    assert.equal((await desk.journal.read(desk.id))!.run.state, 'waiting');
  });

  it('is watched while it waits, and pauses when they are moved', async (t) => {
    const desk = await waitToComplete(t, await playService(t, producer('sync', 9)));
    const runs = new WaitingRuns({ ...desk, log: silentLog });
    await until(
      async () => {
        const live = await desk.journal.live();
        runs.look(live);
        return live[0]!.state === 'paused';
      },
      { what: 'it is paused' },
    );
  });

  const toVersion1: NewRun = {
    ...syncToAsync([CONSUMER]),
    plan: 'functional-version',
    from: { transport: 'async', version: 0 },
    to: { transport: 'async', version: 1 },
  };

  async function waitInVersion1(t: Owner, { reads = [0, 1], dead = false }) {
    const link = { id: 'COMM-010', producer: 'assessments', consumers: [CONSUMER] };
    const event = { name: 'ManagerCreated', versions: [0, 1], writtenVersion: 1 };
    const assessments = await playService(t, {
      ...producer('async', EPOCH, 1),
      describe: async () => ({ produces: [{ ...link, events: [event] }] }),
    });
    const hiring = await playService(t, {
      describe: async () => ({ consumes: [{ ...link, events: [{ ...event, versions: reads }] }] }),
      listDeadLetters: async () => ({ deadLetters: dead ? [{ id: 'd1' }] : [] }),
    });
    const waiting = { run: toVersion1, kind: 'functional' as const, consumer: [hiring] };
    return waitToComplete(t, assessments, waiting);
  }

  it('is not completed while a process reads only the old version, or a consumer gave up on a message', async (t) => {
    const older = await waitInVersion1(t, { reads: [0] });
    await assert.rejects(
      older.order('complete'),
      refusal(
        'RUN_STATE',
        /does not read ManagerCreated.*the way back stays open.*relink complete/,
      ),
    );
    assert.equal((await older.journal.read(older.id))!.run.state, 'waiting');
    const dead = await waitInVersion1(t, { dead: true });
    await assert.rejects(
      dead.order('complete'),
      refusal('RUN_STATE', /new dead letters at hiring: 1/),
    );
    const whole = await waitInVersion1(t, {});
    assert.equal((await whole.order('complete')).run.state, 'running');
  });
});
