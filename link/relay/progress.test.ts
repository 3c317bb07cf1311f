import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LegProgress } from './progress.ts';

describe('what a relay counts on a lane', () => {
  it('is that of its newest epoch, beside all of the leg', () => {
    const progress = new LegProgress();
    progress.failedWith('old', { lane: 0, epoch: 1n });
    progress.settled(900, { lane: 0, epoch: 1n });
    progress.failedWith('other lane', { lane: 1, epoch: 2n });
    progress.settled(5, { lane: 0, epoch: 2n });
    progress.failedWith('late', { lane: 0, epoch: 1n });
    const lane = progress.counted([{ lane: 0, epoch: 2n }]);
    assert.deepEqual([lane.failed, lane.lastError, ...lane.percentilesMs([0.99])], [0, '', 5]);
    const leg = progress.counted();
    assert.deepEqual([leg.failed, leg.lastError, ...leg.percentilesMs([0.99])], [3, 'late', 900]);
  });

  it('is nothing under an epoch that it has not dispatched by', () => {
    const progress = new LegProgress();
    progress.failedWith('old', { lane: 0, epoch: 1n });
    assert.equal(progress.counted([{ lane: 0, epoch: 2n }]).failed, 0);
  });
});
