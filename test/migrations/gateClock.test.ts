/** The time of a gate is the time it was watched, not the time that went by. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { watchGate } from '../../migration/engine/gatekeeper.ts';
import type { Gate, Measure } from '../../migration/plan.ts';
import { gate } from '../../migration/plans/transport.ts';
import type { Verdict } from '../../migration/run/record.ts';
import { until } from '../harness/until.ts';
import { type Alone, openAlone } from '../rigs/oneStep.ts';

/** A measure whose verdict the test chooses, and that counts how often it is read. */
class Played implements Measure {
  readonly name = 'played';
  readonly unanswered = 'fail';
  verdict: Verdict = 'pass';
  looks = 0;

  read: Measure['read'] = async () => {
    this.looks += 1;
    return [{ what: this.name, verdict: this.verdict, value: '', threshold: '' }];
  };
}

const gateOf = (measure: Measure, windowSeconds: number): Gate =>
  gate('1', 'Watch', { name: 'watch', measures: [measure], windowSeconds });

/** Watches until its readings were written, then leaves it for a day. */
async function watchAndLeave(alone: Alone, watched: Gate): Promise<void> {
  const leaving = new AbortController();
  const watching = watchGate(watched, await alone.enter(leaving.signal));
  await until(async () => (await alone.journal.evidence(alone.runId)).length > 0, {
    what: 'the gate is watched',
  });
  leaving.abort();
  await assert.rejects(watching, /interrupted/);
  await alone.sql`update migration.steps set started_at = started_at - interval '1 day'`;
}

describe('a gate that nobody watched for a day', () => {
  it('goes on from where its soak was', async (t) => {
    const measure = new Played();
    const watched = gateOf(measure, 1.5);
    const alone = await openAlone(t, { step: watched, consumers: ['hiring'] });
    await watchAndLeave(alone, watched);
    const before = measure.looks;
    await watchGate(watched, await alone.enter());
    assert.ok(measure.looks - before > 2, 'it looks until the time is over');
  });

  it('has its patience again', async (t) => {
    const measure = new Played();
    measure.verdict = 'wait';
    const watched = gateOf(measure, 0);
    const settings = { patience_seconds: '60' };
    const alone = await openAlone(t, { step: watched, consumers: ['hiring'], settings });
    await watchAndLeave(alone, watched);
    const before = measure.looks;
    const watching = watchGate(watched, await alone.enter());
    await Promise.race([watching, until(() => measure.looks > before + 1, { what: 'more looks' })]);
    measure.verdict = 'pass';
    await watching;
  });
});
