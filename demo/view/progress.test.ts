import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DemoProgress } from './progress.ts';

test('a stage that rejects is shown as failed, and the later ones as ahead', async () => {
  const progress = new DemoProgress(['one', 'two']);
  const work = () => Promise.reject(new Error('no'));
  await assert.rejects(progress.runStage(work), /no/);
  assert.deepEqual(
    progress.stages.map(({ state }) => state),
    ['failed', 'pending'],
  );
});

test('a stage that is skipped says so and leaves its turn to the next', async () => {
  const progress = new DemoProgress(['one', 'two']);
  progress.skipStage();
  await progress.runStage(async (stage) => assert.equal(stage.title, 'two'));
  const [first] = progress.stages;
  assert.deepEqual([first?.state, first?.note], ['failed', 'not started']);
});
