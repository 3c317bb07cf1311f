/**
 * The engine dies at every boundary of every step, and two engines run at once: the end is the
 * same.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { armFailpoint, disarmFailpoints, failpointReached } from '../../runtime/failpoints.ts';
import { until } from '../harness/until.ts';
import { ProcessCompany } from '../rigs/processes/company.ts';
import { type Desk, LINK } from '../rigs/processes/desk.ts';
import { BACK, CHECKPOINT, dieAgainAndAgain, FORWARD } from './dying.ts';

/** The step of a run that one of two engines dies before. */
const AMID = 6;
/** An engine lives a second or two, and sixty or more live one after another. */
const MANY_LIVES_MS = 900_000;

describe('an engine that dies', () => {
  let company: ProcessCompany;
  before(async () => {
    company = await ProcessCompany.start();
    await company.startTraffic(20);
  });
  afterEach(async () => {
    disarmFailpoints();
    await company.stopEngines();
  });
  after(() => company?.stop());

  it('at any boundary leaves a run that the next engine carries to the same end', {
    timeout: MANY_LIVES_MS,
  }, async () => {
    const desk = await company.desk();
    const id = await desk.start({ to: 'async' });
    const died = await dieAgainAndAgain(desk, id, FORWARD, 'waiting');
    const { steps } = (await desk.journal.read(id))!;
    const passed = steps.filter(({ state }) => state === 'done');
    for (const [point, where] of died)
      assert.ok(where.size >= passed.length - 2, `${point} only at ${[...where]}`);
    assert.deepEqual(await oneCertificatePerEpoch(desk), []);
    await company.assertNothingLost(LINK);
    await desk.order(id, 'rollback');
    const diedBack = await dieAgainAndAgain(desk, id, BACK, 'rolled_back');
    for (const [point, where] of diedBack) assert.ok(where.size > 3, point);
    await company.assertNothingLost(LINK);
  });

  it('after any checkpoint is followed by one that goes on from there', {
    timeout: MANY_LIVES_MS,
  }, async () => {
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
    await company.assertNothingLost(LINK);
  });

  /** Approves step by step until the next one is the step named. */
  async function approveUpTo(desk: Desk, id: string, name: string): Promise<void> {
    for (;;) {
      const { steps } = await desk.reached(id, 'waiting');
      if (steps.find(({ state }) => state !== 'done')!.name === name) return;
      await desk.order(id, 'approve');
    }
  }

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
    assert.equal(engines.filter(({ isActing }) => isActing).length, 1);
    const [acting, idle] = engines.toSorted((a, b) => Number(b.isActing) - Number(a.isActing));
    const armed = armFailpoint('engine.before-step', { do: 'throw' }, AMID);
    const id = await desk.start({ to: 'async' });
    await acting!.crashed;
    armed.disarm();
    assert.equal((await desk.journal.read(id))!.run.state, 'running');
    await desk.expireLease();
    await until(() => idle!.isActing, { what: 'the other engine takes the lease' });
    await desk.reached(id, 'waiting');
    await desk.order(id, 'rollback');
    await desk.reached(id, 'rolled_back');
    await company.assertNothingLost(LINK);
    await idle!.stop();
  });

  it('and comes back to life records nothing, and changes no route', async () => {
    const desk = await company.desk();
    const frozen = desk.engine();
    const id = await desk.start({ to: 'async', isStepByStep: true });
    await approveUpTo(desk, id, 'way-back');
    const held = armFailpoint('engine.before-apply', { do: 'hold' }, 1);
    await desk.order(id, 'approve');
    await failpointReached('engine.before-apply');
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

  it('or stops while it looks for runs starts none of them', async () => {
    const desk = await company.desk();
    const id = await desk.start({ to: 'async' });
    const before = await desk.journal.read(id);
    const engine = await desk.sql.begin(async (tx) => {
      await tx`lock table migration.runs in access exclusive mode`;
      const engine = desk.engine();
      const isWaiting = async () => {
        const [row] = await tx`select from pg_locks where not granted and database =
          (select oid from pg_database where datname = current_database())`;
        return row !== undefined;
      };
      await until(async () => engine.isActing && (await isWaiting()), {
        what: 'it reads the runs',
      });
      return { stopping: engine.stop() };
    });
    await engine.stopping;
    assert.deepEqual(await desk.journal.read(id), before);
    await desk.order(id, 'cancel');
  });
});
