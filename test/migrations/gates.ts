/**
 * What stops a run: a gate that fails, dead letters that nobody handled, sides that are not equal.
 */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import type { ProcessCompany } from '../rigs/processes/company.ts';
import { type Desk, LINK } from '../rigs/processes/desk.ts';
import { sharedCompany } from './managersCompany.ts';

/** A lane that no run of these tests moves alone. */
const LANE = 9;
/** No message is as quick; each gate watches for long enough to see one, on a busy machine too. */
const TOO_STRICT = { latency_limit_ms: '1', canary_seconds: '2', patience_seconds: '10' };

describe('a run that must not go on', () => {
  let company: ProcessCompany;
  let desk: Desk;
  before(() => {
    company = sharedCompany();
  });
  beforeEach(async () => {
    desk = await company.desk();
    desk.engine();
  });
  afterEach(() => company.stopEngines());

  it('goes back by itself when a gate fails, and pauses when the operator wants to decide', async () => {
    // Side by side, for what takes its time is the patience of the gates.
    const id = await desk.start({ to: 'async', consumer: 'hiring', settings: TOO_STRICT });
    const settings = { ...TOO_STRICT, on_fail: 'pause' };
    const other = await desk.start({ to: 'async', consumer: 'bonuses', settings });
    const { run } = await desk.reached(id, 'rolled_back');
    assert.match(run.problem, /^watch-\w+: p99 .* of hiring: .* ms \(allowed: 1 ms\)$/);
    const evidence = await desk.journal.evidence(id);
    const certified = evidence.filter(({ what }) => what.startsWith('certificate of'));
    assert.deepEqual(
      certified.every(({ value }) => value.endsWith('equal')),
      true,
    );
    const paused = await desk.reached(other, 'paused');
    assert.match(paused.run.problem, /^watch-\w+: p99 .* of bonuses: /);
    await desk.order(other, 'rollback');
    await desk.reached(other, 'rolled_back');
  });

  it('fails without anything to undo when it cannot even begin', async () => {
    const [hiring] = company.stack.service('hiring');
    await hiring!.kill();
    try {
      const settings = { retry_seconds: '1' };
      const id = await desk.start({ to: 'async', settings }, { isAway: true });
      const { run } = await desk.reached(id, 'failed');
      assert.match(run.problem, /no replica of hiring answers/);
    } finally {
      await hiring!.start();
    }
  });

  it('is not drained while a dead letter of the old route is left, and names it', async () => {
    const hiring = company.database('hiring');
    const eventId = randomUUIDv7();
    await hiring`
      insert into relink.dead_letters (id, event_id, link, lane, epoch, event, event_version, key,
        version, reason, detail, attempts, body, headers)
      values (${randomUUIDv7()}, ${eventId}, ${LINK}, ${LANE}, 1, 'ManagerUpdated', 0, 'key', 1,
        'HANDLER_FAILED', 'made by the test', 5, '{}', '{}')`;
    const id = await desk.start({ to: 'async', settings: { patience_seconds: '12' } });
    try {
      const { run } = await desk.reached(id, 'paused');
      assert.match(run.problem, new RegExp(`^drained: .*1 dead letters \\(${eventId}\\)`));
    } finally {
      await discardAll();
    }
    await desk.order(id, 'resume');
    await desk.reached(id, 'waiting');
    await desk.order(id, 'rollback');
    await desk.reached(id, 'rolled_back');
  });

  async function discardAll(): Promise<void> {
    const hiring = company.participants.of('hiring');
    const { deadLetters } = await hiring.listDeadLetters({ link: LINK, limit: 10 });
    for (const { id } of deadLetters) await hiring.discardDeadLetter({ id, reason: 'test' });
  }

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
