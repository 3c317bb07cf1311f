import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from '../settings.ts';
import { choosePlan } from './index.ts';

test('a formal link is told why it does not go back to an older contract version', () => {
  const [from, to] = [1, 0].map((version) => ({ transport: 'sync' as const, version }));
  const choose = () => choosePlan({ kind: 'formal', from: from!, to: to! }, parseSettings({}));
  assert.throws(choose, /from sync v1 to sync.*`complete` removed what v0 needs.*relink rollback/);
});
