/**
 * Every plan on real services under traffic: to the end, back from every step, and refused when
 * wrong.
 */
import assert from 'node:assert/strict';
import { afterEach, before, describe, it } from 'node:test';
import { ALL_LANES } from '../../link/link.ts';
import { readStream } from '../../link/transport/jetStream/provision.ts';
import { checkCertificate } from '../../migration/certificateCheck.ts';
import { MigrationError, type MigrationErrorCode } from '../../migration/errors.ts';
import { transportToWire } from '../../migration/participants.ts';
import { ROUTE_ALL } from '../../migration/plan.ts';
import { LinkStreams } from '../../operator/streams.ts';
import type { ProcessCompany } from '../rigs/processes/company.ts';
import { type Desk, LINK } from '../rigs/processes/desk.ts';
import type { ManagerTraffic } from '../rigs/processes/managerTraffic.ts';
import { goBackFromThreeSteps, routesOf } from './goingBack.ts';
import { sharedCompany, sharedTraffic } from './managersCompany.ts';

const CONSUMERS = ['hiring', 'bonuses'];

function refusal(code: MigrationErrorCode) {
  return (error: unknown) => error instanceof MigrationError && error.code === code;
}

describe('migrations under traffic', () => {
  let company: ProcessCompany;
  let traffic: ManagerTraffic;
  before(() => {
    company = sharedCompany();
    traffic = sharedTraffic();
  });
  afterEach(() => company.stopEngines());

  async function hasStream(desk: Desk): Promise<boolean> {
    const streams = new LinkStreams(company.nats.connection, desk.journal);
    return (await readStream(await streams.manager(), LINK)) !== undefined;
  }

  it('moves the whole link to async and back, with certificates for every old epoch', async () => {
    const desk = await company.desk();
    const engine = desk.engine();
    const there = await desk.runToEnd('async');
    assert.deepEqual(await routesOf(company, LINK, 'hiring'), ['async']);
    assert.deepEqual(await routesOf(company, LINK, 'bonuses'), ['async']);
    const back = await desk.runToEnd('sync');
    assert.deepEqual(await routesOf(company, LINK, 'hiring'), ['sync']);
    assert.equal(await hasStream(desk), false, 'complete removes the stream');
    for (const { run } of [there, back]) {
      const signed = await desk.certificates.list({ run: run.id, limit: 100 });
      for (const consumer of CONSUMERS)
        assert.ok(signed.some((one) => one.consumer === consumer && one.count > 0));
      for (const { statement, signature, publicKey } of signed) {
        const file = JSON.stringify({ statement, signature, public_key: publicKey });
        assert.equal(checkCertificate(file, publicKey).isValid, true);
      }
    }
    await company.assertNothingLost(LINK);
    await engine.stop();
  });

  it('sends what a replica lacks, and finds by itself what it is', async () => {
    const desk = await company.desk();
    const engine = desk.engine();
    const hiring = company.database('hiring');
    const lost =
      await hiring`delete from manager_replicas where id = any(${traffic.quiet}::uuid[])`;
    assert.ok(lost.count > 0);
    const { run } = await desk.runToEnd('async');
    const evidence = await desk.journal.evidence(run.id);
    const sent = evidence.find(({ what }) => what === 'backfilled to hiring');
    assert.equal(sent?.value, `${lost.count} entities`);
    await company.assertNothingLost(LINK);
    await desk.runToEnd('sync');
    await engine.stop();
  });

  it('goes back before, amid and after the lanes, in both directions at once on two legs', {
    timeout: 900_000,
  }, async () => {
    const desk = await company.desk();
    const engine = desk.engine();
    const id = await desk.start({ to: 'async', consumer: 'bonuses' });
    await desk.reached(id, 'waiting');
    await desk.order(id, 'complete', LINK);
    await desk.reached(id, 'completed');
    await engine.stop();
    await Promise.all([
      goBackFromThreeSteps(company, {
        link: LINK,
        from: 'sync',
        to: 'async',
        consumer: 'hiring',
      }),
      goBackFromThreeSteps(company, {
        link: LINK,
        from: 'async',
        to: 'sync',
        consumer: 'bonuses',
      }),
    ]);
    await company.assertNothingLost(LINK);
    const last = await company.desk();
    const again = last.engine();
    await last.runToEnd('sync');
    assert.equal(await hasStream(last), false);
    await again.stop();
  });

  it('refuses a second run of the link, and what is not to be moved', async () => {
    const desk = await company.desk();
    const id = await desk.start({ to: 'async' });
    await assert.rejects(desk.start({ to: 'async', consumer: 'hiring' }), refusal('LINK_BUSY'));
    await desk.order(id, 'cancel');
    const engine = desk.engine();
    await desk.reached(id, 'cancelled');
    await assert.rejects(desk.start({ to: 'sync' }), refusal('LINK_NOT_MOVABLE'), 'already there');
    await assert.rejects(desk.start({ to: 'pull' }), refusal('LINK_NOT_MOVABLE'));
    await assert.rejects(desk.start({ to: 'v2' }), refusal('LINK_NOT_MOVABLE'));
    await assert.rejects(desk.start({ to: 'asink' }), refusal('REQUEST_INVALID'));
    await assert.rejects(desk.start({ to: 'async', link: 'COMM-011' }), refusal('LINK_UNKNOWN'));
    await assert.rejects(desk.start({ to: 'async', consumer: 'x' }), refusal('REQUEST_INVALID'));
    const settings = { soak_second: '1' };
    await assert.rejects(desk.start({ to: 'async', settings }), /did you mean soak_seconds/);
    await engine.stop();
  });

  it('cancels before traffic moves and not after, and completes only by the name', async () => {
    const desk = await company.desk();
    const engine = desk.engine();
    const first = await desk.start({ to: 'async', isStepByStep: true });
    await desk.reached(first, 'waiting');
    await assert.rejects(desk.order(first, 'complete', LINK), refusal('RUN_STATE'));
    await desk.order(first, 'cancel');
    await desk.reached(first, 'cancelled');
    const second = await desk.start({ to: 'async' });
    await desk.reached(second, 'waiting');
    await assert.rejects(desk.order(second, 'cancel'), /traffic has moved/);
    await assert.rejects(desk.order(second, 'complete', 'yes'), refusal('CONFIRMATION_WRONG'));
    await desk.order(second, 'rollback');
    await desk.reached(second, 'rolled_back');
    await assert.rejects(desk.order(second, 'rollback'), refusal('RUN_STATE'));
    assert.deepEqual(await routesOf(company, LINK, 'hiring'), ['sync']);
    await engine.stop();
  });

  it('does not go back once all lanes moved when the way back was not wanted', async () => {
    const desk = await company.desk();
    const engine = desk.engine();
    const id = await desk.start({ to: 'async', wayBack: 'none' });
    const { steps } = await desk.reached(id, 'waiting');
    assert.equal(steps.find(({ name }) => name === ROUTE_ALL)?.state, 'done');
    await assert.rejects(desk.order(id, 'rollback'), /--way-back none/);
    await desk.order(id, 'complete', LINK);
    await desk.reached(id, 'completed');
    await desk.runToEnd('sync');
    await company.assertNothingLost(LINK);
    await engine.stop();
  });

  it('that something else moved back pauses; it moves the lanes again, and goes back from there', {
    timeout: 600_000,
  }, async () => {
    const desk = await company.desk();
    const engine = desk.engine();
    const id = await desk.start({ to: 'async' });
    await desk.reached(id, 'waiting');
    await moveByHand();
    const { run } = await desk.reached(id, 'paused');
    assert.match(
      run.problem,
      /all 16 lanes of hiring go by sync v0, epoch \d+, not by async v0, epoch/,
    );
    await desk.order(id, 'resume');
    await desk.reached(id, 'waiting');
    assert.deepEqual(await routesOf(company, LINK, 'hiring'), ['async']);
    await moveByHand();
    await desk.order(id, 'rollback');
    await desk.reached(id, 'rolled_back');
    assert.deepEqual(await routesOf(company, LINK, 'hiring'), ['sync']);
    await company.assertNothingLost(LINK);
    await engine.stop();
  });

  /** As a second operator does, or a call by hand. */
  async function moveByHand(): Promise<void> {
    const assessments = company.participants.of('assessments');
    const leg = { link: LINK, consumer: 'hiring' };
    const { epoch: expectedEpoch } = await assessments.getRoutes(leg);
    const route = { transport: transportToWire('sync'), version: 0, expectedEpoch, hold: true };
    await assessments.changeRoute({ ...leg, lanes: [...ALL_LANES], ...route });
  }

  it('pauses at any time and goes on where it was', async () => {
    const desk = await company.desk();
    const engine = desk.engine();
    const id = await desk.start({ to: 'async', settings: { canary_seconds: '60' } });
    await desk.isAt(id, 'watch-canary');
    await desk.order(id, 'pause');
    await desk.reached(id, 'paused');
    await desk.order(id, 'resume');
    await desk.reached(id, 'running');
    await desk.isAt(id, 'watch-canary');
    await desk.order(id, 'rollback');
    engine.wake(id);
    const { run } = await desk.reached(id, 'rolled_back');
    assert.equal(run.problem, 'rolled back by test');
    await engine.stop();
  });
});
