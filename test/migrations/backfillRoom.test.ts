/** A backfill behind a consumer that takes nothing, and behind one that takes its time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StepProblem } from '../../migration/errors.ts';
import { numbered } from '../../migration/plans/transport.ts';
import { backfill } from '../../migration/steps/backfill.ts';
import type { Owner } from '../harness/owner.ts';
import { openAlone, type Played, playService } from '../rigs/oneStep.ts';

const step = numbered('5', 'Backfill', backfill);
/** The owner has one row, which the replica lacks. */
const owner: Played = {
  getEntityDigest: async () => ({ buckets: [{ bucket: 7, digest: { count: 1n, sum: '5' } }] }),
  listEntityBucket: async () => ({ rows: [{ key: 'ada', version: 1n, hash: 5n }] }),
};
const empty: Played = {
  getEntityDigest: async () => ({ buckets: [] }),
  listEntityBucket: async () => ({ rows: [] }),
};

/** `openAt` answers how many messages are open at the n-th look. */
async function open(t: Owner, settings: Record<string, string>, openAt: (look: number) => number) {
  let looks = 0;
  const sent: string[] = [];
  const assessments = await playService(t, {
    ...owner,
    getProgress: async () => {
      looks += 1;
      return { open: BigInt(openAt(looks)) };
    },
    backfill: async ({ keys }) => {
      sent.push(...keys);
      return { enqueued: keys.length };
    },
  });
  const services = { assessments: [assessments], hiring: [await playService(t, empty)] };
  const alone = await openAlone(t, { step, consumers: ['hiring'], services, settings });
  return { alone, sent };
}

describe('a backfill', () => {
  it('stops and says why when open messages do not grow fewer', async (t) => {
    const { alone, sent } = await open(t, { patience_seconds: '1' }, () => 2_001);
    await assert.rejects(step.apply(await alone.enter()), (error: unknown) => {
      assert.ok(error instanceof StepProblem);
      assert.equal(error.kind, 'stop');
      assert.match(error.message, /2001 messages to hiring are open .* hiring .* resume/);
      return true;
    });
    assert.deepEqual(sent, []);
  });

  it('waits as long as open messages grow fewer, and shows how many there are', async (t) => {
    // At 20 looks a second it takes twice the patience.
    const { alone, sent } = await open(t, { patience_seconds: '1' }, (look) => 2_040 - look);
    await step.apply(await alone.enter());
    assert.deepEqual(sent, ['ada']);
    const evidence = await alone.journal.evidence(alone.runId);
    const shown = evidence.find(({ what }) => what === 'open messages to hiring');
    assert.match(shown?.value ?? '', /^20\d\d$/);
  });
});
