import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Goal, ratioOf, tableOf } from './report.ts';

const goal: Goal = { name: 'a ÷ b', unit: 'events/s', goal: 0.5, bound: 'at least', note: 'why' };

test('a ratio is that of the medians, so that a reader can check it', () => {
  const ratio = ratioOf(goal, { ours: [10, 60, 50], against: [100, 90, 110] });
  assert.equal(ratio.ours, 50);
  assert.equal(ratio.against, 100);
  assert.equal(ratio.ratio, 0.5);
  assert.equal(ratio.met, true);
  assert.equal(ratio.note, 'why; 3 rounds from 0.10 to 0.67');
});

test('a goal can be a floor or a ceiling', () => {
  const rounds = { ours: [3], against: [2] };
  assert.equal(ratioOf({ ...goal, goal: 1.6 }, rounds).met, false);
  assert.equal(ratioOf({ ...goal, goal: 1.6, bound: 'at most' }, rounds).met, true);
  assert.equal(ratioOf({ ...goal, goal: 1.4, bound: 'at most' }, rounds).met, false);
});

test('the table shows both sides, the ratio, the goal and whether it is met', () => {
  const machine = { cpu: 'c', cores: 2, memoryMb: 1, node: 'v24', postgres: '18', nats: '2' };
  const ratio = ratioOf(goal, { ours: [12_345], against: [50_000] });
  const [head, line] = tableOf([ratio], machine).split('\n');
  assert.match(head!, /ours +against +ratio +goal +met/);
  assert.match(line!, /^a ÷ b +12,345 events\/s +50,000 events\/s +0\.25 +≥ 0\.50 +no$/);
});

test('JSON has the fields of the public interface', () => {
  const ratio = ratioOf(goal, { ours: [1], against: [1] });
  for (const field of ['name', 'ours', 'against', 'ratio', 'goal', 'met', 'note'])
    assert.ok(field in ratio, field);
});
