/**
 * What stops a run: a gate that fails, dead letters that nobody handled, sides that are not equal.
 */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Engine } from '../../migration/engine.ts';
import { Company, type Desk, LINK } from './company.ts';

/** A lane that no run of these tests moves alone. */
const LANE = 9;

describe('a run that must not go on', { timeout: 180_000 }, () => {
  let company: Company;
  let desk: Desk;
  let engine: Engine | undefined;
  before(async () => {
    company = await Company.start();
    await company.startTraffic();
  });
  beforeEach(async () => {
    await engine?.stop();
    desk = await company.desk();
    engine = desk.engine();
  });
  after(() => company?.stop());

  it('goes back by itself when a gate fails, and says which number was too high', async () => {
    const settings = { latency_limit_ms: '1', patience_seconds: '1' };
    const id = await desk.start({ to: 'async', settings });
    const { run } = await desk.reached(id, 'rolled_back');
    assert.match(run.problem, /^watch-\w+: p99 .* ms \(allowed: 1 ms\)$/);
    const evidence = await desk.journal.evidence(id);
    const certified = evidence.filter(({ what }) => what.startsWith('certificate of'));
    assert.deepEqual(
      certified.every(({ value }) => value.endsWith('equal')),
      true,
    );
  });

  it('pauses instead when the operator wants to decide', async () => {
    const settings = { latency_limit_ms: '1', patience_seconds: '1', on_fail: 'pause' };
    const id = await desk.start({ to: 'async', settings });
    const { run } = await desk.reached(id, 'paused');
    assert.match(run.problem, /^watch-\w+: /);
    await desk.order(id, 'rollback');
    await desk.reached(id, 'rolled_back');
  });

  it('fails without anything to undo when it cannot even begin', async () => {
    await company.stack.service('hiring')[0]!.kill();
    const settings = { retry_seconds: '1', patience_seconds: '1' };
    const id = await desk.start({ to: 'async', settings });
    const { run } = await desk.reached(id, 'failed');
    assert.match(run.problem, /no replica of hiring answers/);
    await company.stack.service('hiring')[0]!.start();
  });

  it('is not drained while a dead letter of the old route is left, and names it', async () => {
    const hiring = company.database('hiring');
    const eventId = randomUUIDv7();
    await hiring`
      insert into relink.dead_letters (id, event_id, link, lane, epoch, event, event_version, key,
        version, reason, detail, attempts, body, headers)
      values (${randomUUIDv7()}, ${eventId}, ${LINK}, ${LANE}, 1, 'ManagerUpdated', 0, 'key', 1,
        'HANDLER_FAILED', 'made by the test', 5, '{}', '{}')`;
    const id = await desk.start({ to: 'async', settings: { patience_seconds: '5' } });
    const { run } = await desk.reached(id, 'paused');
    assert.match(run.problem, new RegExp(`^drained: .*1 dead letters \\(${eventId}\\)`));
    const { deadLetters } = await company.participants
      .of('hiring')
      .listDeadLetters({ link: LINK, limit: 10 });
    for (const { id: letter } of deadLetters)
      await company.participants.of('hiring').discardDeadLetter({ id: letter, reason: 'test' });
    await desk.order(id, 'resume');
    await desk.reached(id, 'waiting');
    await desk.order(id, 'rollback');
    await desk.reached(id, 'rolled_back');
  });

  it('stops and names the lane when the sides of an old epoch are not equal', async () => {
    const { lanes } = await company.participants
      .of('assessments')
      .getRoutes({ link: LINK, consumer: 'hiring' });
    const { epoch } = lanes.find(({ lane }) => lane === LANE)!;
    const hiring = company.database('hiring');
    const eventId = randomUUIDv7();
    await hiring`
      insert into relink.inbox (event_id, link, lane, epoch, key, version, event_version, hash,
        outcome)
      values (${eventId}, ${LINK}, ${LANE}, ${epoch}, 'key', 1, 0, 5, 'applied')`;
    const id = await desk.start({ to: 'async' });
    const { run } = await desk.reached(id, 'paused');
    assert.match(
      run.problem,
      new RegExp(`^certify: .*hiring: epoch ${epoch} lane ${LANE}: closed`),
    );
    assert.deepEqual(
      (await desk.certificates.list({ run: id, limit: 100 })).filter(
        (one) => one.consumer === 'hiring' && one.epoch === Number(epoch),
      ),
      [],
    );
    await hiring`delete from relink.inbox where event_id = ${eventId}`;
    await desk.order(id, 'resume');
    await desk.reached(id, 'waiting');
    await desk.order(id, 'complete', LINK);
    await desk.reached(id, 'completed');
  });
});
