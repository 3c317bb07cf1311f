import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClosedLane } from '../certificate.ts';
import { describeElsewhere, describeEpochs } from './verify.ts';

function lane(closed: number, inbox: number): ClosedLane {
  return {
    lane: 3,
    closed: { count: closed, sum: String(closed) },
    inbox: { count: inbox, sum: String(inbox) },
    outcomes: { applied: inbox, superseded: 0, dead: 0, parked: 0 },
  };
}

test('of many epochs the newest are compared one by one, and all others together', () => {
  const epochs = Array.from({ length: 250 }, (_, i) => {
    const at = i + 1;
    return [BigInt(at), new Map([[3, lane(2, at === 7 ? 1 : 2)]])] as const;
  });
  const [older, ...newest] = describeEpochs(epochs);
  assert.deepEqual(older, {
    what: 'messages of 150 older epochs',
    isEqual: false,
    producer: '300 closed',
    consumer: '299 settled',
    examples: ['epoch 7 lane 3'],
  });
  assert.deepEqual(
    newest.map(({ what }) => what),
    Array.from({ length: 100 }, (_, i) => `messages of epoch ${151 + i}`),
  );
});

test('what producers elsewhere sent is counted, and compared with nothing', () => {
  const settled = (epoch: bigint, count: bigint) => ({ epoch, digest: { count, sum: '7' } });
  assert.deepEqual(describeElsewhere([settled(1n, 5n)] as never), []);
  const [finding] = describeElsewhere([settled(0n, 2n), settled(0n, 1n), settled(1n, 5n)] as never);
  assert.deepEqual(
    [finding?.what, finding?.isEqual, finding?.consumer],
    ['messages of no route', true, '3 settled'],
  );
});
