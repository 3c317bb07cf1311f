import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepContext } from '../plan.ts';
import { listLinkStreams } from './streamTexts.ts';

test('while a service does not say which links it has, no list of streams is whole', async () => {
  const unanswered = [{ service: 'management', instance: '', reason: 'no answer within 2000 ms' }];
  const participants = { topology: async () => ({ links: new Map(), unanswered }) };
  const context = { participants } as unknown as StepContext;
  await assert.rejects(listLinkStreams(context), {
    isRepeatable: true,
    message: /management did not say which links it has: their streams would be left out/,
  });
});
