/**
 * The engine dies at every boundary of every step, and two engines run at once: the end is the
 * same.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Engine } from '../../migration/engine.ts';
import type { RunState } from '../../migration/run.ts';
import { verifyLeg } from '../../migration/verify.ts';
import { armFailpoint, disarmFailpoints } from '../../runtime/failpoints.ts';
import { until } from '../harness/until.ts';
import { Company, type Desk, LINK } from './company.ts';

/** The places that every step passes and where it may be cut off, in their order. */
const FORWARD = ['engine.before-apply', 'engine.after-apply', 'engine.after-record'];
/** Only steps that keep how far they are pass here, each as often as it does. */
const CHECKPOINT = ['engine.after-checkpoint'];
const BACK = [
  'engine.before-undo',
  'journal.before-commit',
  'journal.after-commit',
  'engine.after-undo',
  'engine.after-undo-record',
];

describe('an engine that dies', { timeout: 240_000 }, () => {
  let company: Company;
  before(async () => {
    company = await Company.start();
    await company.startTraffic(20);
  });
  afterEach(disarmFailpoints);
  after(() => company?.stop());

  /** Lets engine after engine die at the next of the points until the run reaches the state. */
  async function dieAgainAndAgain(
    desk: Desk,
    runId: string,
    points: readonly string[],
    wanted: RunState,
  ): Promise<Map<string, Set<string>>> {
    const died = new Map<string, Set<string>>(points.map((point) => [point, new Set()]));
    for (let turn = 0; ; turn += 1) {
      const point = points[turn % points.length]!;
      const armed = armFailpoint(point, { do: 'throw' }, 1);
      const engine = desk.engine();
      const isOver = await endOf(engine, desk, runId, wanted);
      armed.disarm();
      if (isOver) {
        await engine.stop();
        return died;
      }
      died.get(point)!.add(await stepOf(desk, runId));
      await desk.expireLease();
    }
  }

  /** Answers whether the run came to its end before the engine died. */
  async function endOf(engine: Engine, desk: Desk, runId: string, wanted: RunState) {
    let isDead = false;
    void engine.crashed.then(() => {
      isDead = true;
    });
    let state: RunState | undefined;
    await until(
      async () => {
        if (isDead) return true;
        state = (await desk.journal.read(runId))?.run.state;
        return state === wanted || state === 'paused';
      },
      { withinMs: 60_000, what: `the engine dies or the run is ${wanted}` },
    );
    if (state === 'paused') assert.fail((await desk.journal.read(runId))!.run.problem);
    return !isDead && state === wanted;
  }

  async function stepOf(desk: Desk, runId: string): Promise<string> {
    const { run, steps } = (await desk.journal.read(runId))!;
    const step =
      run.direction === 'forward'
        ? steps.find(({ state }) => state !== 'done')
        : steps.findLast(({ state }) => state !== 'pending' && state !== 'undone');
    return step?.name ?? 'the end';
  }

  async function assertNothingLost(): Promise<void> {
    const { participants } = company;
    const link = (await participants.topology()).get(LINK)!;
    for (const consumer of link.producer.consumers) {
      const { findings } = await verifyLeg({ participants, link, consumer });
      assert.deepEqual(
        findings.filter(({ isEqual }) => !isEqual),
        [],
      );
    }
  }

  it('at any boundary leaves a run that the next engine carries to the same end', async () => {
    const desk = await company.desk();
    const id = await desk.start({ to: 'async' });
    const died = await dieAgainAndAgain(desk, id, FORWARD, 'waiting');
    const { steps } = (await desk.journal.read(id))!;
    const passed = steps.filter(({ state }) => state === 'done');
    for (const [point, where] of died) assert.ok(where.size >= passed.length - 2, point);
    assert.deepEqual(await oneCertificatePerEpoch(desk), []);
    await assertNothingLost();
    await desk.order(id, 'rollback');
    const diedBack = await dieAgainAndAgain(desk, id, BACK, 'rolled_back');
    for (const [point, where] of diedBack) assert.ok(where.size > 3, point);
    await assertNothingLost();
  });

  it('after any checkpoint is followed by one that goes on from there', async () => {
    const desk = await company.desk();
    const id = await desk.start({ to: 'async' });
    const died = await dieAgainAndAgain(desk, id, CHECKPOINT, 'waiting');
    assert.deepEqual(
      [...died.values()].map((steps) => steps.has('backfill')),
      [true],
    );
    await desk.order(id, 'rollback');
    const diedBack = await dieAgainAndAgain(desk, id, CHECKPOINT, 'rolled_back');
    assert.deepEqual(
      [...diedBack.values()].map(({ size }) => size > 0),
      [true],
    );
    await assertNothingLost();
  });

  /** Epochs that have more than one certificate. */
  async function oneCertificatePerEpoch(desk: Desk): Promise<string[]> {
    const all = await desk.certificates.list({ limit: 1_000 });
    const ids = all.map(({ consumer, epoch }) => `${consumer} ${epoch}`);
    return ids.filter((id, at) => ids.indexOf(id) !== at);
  }

  it('is followed by another; two at once act as one', async () => {
    const desk = await company.desk();
    const engines = [desk.engine(), desk.engine()];
    await until(() => engines.some(({ isActing }) => isActing), { what: 'one engine acts' });
    const id = await desk.start({ to: 'async' });
    await desk.isAt(id, 'shadow-equal');
    assert.equal(engines.filter(({ isActing }) => isActing).length, 1);
    const [acting, idle] = engines.toSorted((a, b) => Number(b.isActing) - Number(a.isActing));
    const armed = armFailpoint('engine.before-step', { do: 'throw' }, 1);
    await acting!.crashed;
    armed.disarm();
    await until(() => idle!.isActing, { what: 'the other engine takes the lease' });
    await desk.reached(id, 'waiting');
    await desk.order(id, 'rollback');
    await desk.reached(id, 'rolled_back');
    await assertNothingLost();
    await idle!.stop();
  });

  it('and comes back to life records nothing, and changes no route', async () => {
    const desk = await company.desk();
    const id = await desk.start({ to: 'async' });
    const held = armFailpoint('engine.before-apply', { do: 'hold' }, 11);
    const frozen = desk.engine();
    const isHeld = async () => (await stepOf(desk, id)) === 'way-back';
    await until(isHeld, { withinMs: 30_000, what: 'the engine is frozen before traffic moves' });
    await desk.sql`update migration.leases set owner = 'another', term = term + 1,
      expires_at = clock_timestamp() + interval '1 minute'`;
    const before = (await desk.journal.read(id))!;
    held.release();
    await until(() => !frozen.isActing, { what: 'the frozen engine notices' });
    await frozen.stop();
    assert.deepEqual(await desk.journal.read(id), before);
    await desk.expireLease();
    held.disarm();
    const next = desk.engine();
    await desk.order(id, 'cancel');
    await desk.reached(id, 'cancelled');
    await next.stop();
  });
});
