/** An owner that is slow for a moment, and one that does not answer. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { numbered } from '../../migration/plans/transport.ts';
import { findOwner } from '../../migration/steps/findOwner.ts';
import type { Owner } from '../harness/owner.ts';
import { until } from '../harness/until.ts';
import { openAlone, playService } from '../rigs/oneStep.ts';

const step = numbered('1', 'Find', findOwner);

/** `unanswered` at each comparison, and at the last one from then on. */
async function open(t: Owner, ...unanswered: bigint[]) {
  const played = { comparisons: 0 };
  const hiring = await playService(t, {
    compareReadings: async () => {
      played.comparisons += 1;
      const missed = unanswered[Math.min(played.comparisons, unanswered.length) - 1]!;
      return { compared: { equal: 20n - missed, unanswered: missed }, latencyMs: 3 };
    },
  });
  const services = { hiring: [hiring] };
  const alone = await openAlone(t, { step, consumers: ['hiring'], services });
  return { alone, played };
}

describe('finding the owner', { concurrency: true }, () => {
  it('asks again when an answer was late, after the owner was left alone for a while', async (t) => {
    const { alone, played } = await open(t, 20n, 0n);
    const startedMs = performance.now();
    await step.apply(await alone.enter());
    assert.equal(played.comparisons, 2);
    assert.ok(performance.now() - startedMs > 5_000, 'a comparison rests for 5 s');
    const [seen] = await alone.journal.evidence(alone.runId);
    assert.equal(seen?.value, '20 of 20, slowest 3.0 ms');
  });

  it('fails when it is still not answered', async (t) => {
    const { alone, played } = await open(t, 20n, 20n, 1n);
    await assert.rejects(
      step.apply(await alone.enter()),
      /assessments did not answer 1 of 20 queries of hiring/,
    );
    assert.equal(played.comparisons, 3);
  });

  it('ends its waiting when a person changed the run', async (t) => {
    const changed = new AbortController();
    const { alone, played } = await open(t, 1n);
    const applying = step.apply(await alone.enter(changed.signal));
    await until(() => played.comparisons === 1, { what: 'it asked' });
    changed.abort();
    await assert.rejects(applying, /interrupted/);
    assert.equal(played.comparisons, 1);
  });
});
