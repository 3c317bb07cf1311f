import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../run/record.ts';
import { unitsOfStep } from './units.ts';

/** A step whose checkpoint is kept as the engine keeps it. */
function aStep() {
  const seen: string[] = [];
  const step = {
    seen,
    checkpoint: {} as JsonObject,
    save: async (checkpoint: JsonObject, progress?: { done: number; total: number }) => {
      step.checkpoint = checkpoint;
      seen.push(`${progress!.done} of ${progress!.total}`);
    },
    observe: async (what: string, value: string) => void seen.push(`${what}: ${value}`),
  };
  return step;
}

function unitsOf(names: readonly string[], done: string[], failing = '') {
  return names.map((name) => ({
    name,
    work: async () => {
      if (name === failing) throw new Error('the engine died');
      done.push(name);
    },
  }));
}

test('it can be seen how far the work is, and what is under way', async () => {
  const step = aStep();
  await unitsOfStep(step, { isKept: true })(unitsOf(['a', 'b'], []));
  assert.deepEqual(step.seen, ['0 of 2', 'under way: a', '1 of 2', 'under way: b', '2 of 2']);
});

test('a step that is resumed does what is left', async () => {
  const [step, done] = [aStep(), [] as string[]];
  const names = ['a', 'b', 'c'];
  await assert.rejects(unitsOfStep(step, { isKept: true })(unitsOf(names, done, 'b')));
  await unitsOfStep(step, { isKept: true })(unitsOf(names, done));
  assert.deepEqual(done, ['a', 'b', 'c']);
  assert.deepEqual(step.seen.slice(4), ['under way: b', '2 of 3', 'under way: c', '3 of 3']);
});

test('work that has to be whole begins again', async () => {
  const [step, done] = [aStep(), [] as string[]];
  for (const _ of [1, 2]) await unitsOfStep(step, { isKept: false })(unitsOf(['a', 'b'], done));
  assert.deepEqual(done, ['a', 'b', 'a', 'b']);
  assert.deepEqual(step.checkpoint, {});
});
