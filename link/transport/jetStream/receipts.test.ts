import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectNats } from '../../../runtime/nats.ts';
import { testNats } from '../../../test/harness/nats.ts';
import { onReceipts, type ReceiptBatch, sendReceipts } from './receipts.ts';

test('a producer hears of messages that are tried again, and not of those that are fenced', async (t) => {
  const server = await testNats(t);
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  t.after(close);
  const heard = new Promise<ReceiptBatch>((resolve, reject) =>
    onReceipts(connection, 'assessments', resolve, reject),
  );
  const receipts = (['applied', 'retry', 'fenced'] as const).map((outcome) => ({
    ...{ eventId: outcome, outcome, epoch: 5n },
  }));
  sendReceipts(connection, 'assessments', { link: 'COMM-010', consumer: 'hiring', receipts });
  const { receipts: seen } = await heard;
  assert.deepEqual(
    seen.map(({ outcome }) => outcome),
    ['applied', 'retry'],
  );
});
