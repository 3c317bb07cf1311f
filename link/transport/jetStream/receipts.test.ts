import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectNats } from '../../../runtime/nats.ts';
import { testNats } from '../../../test/harness/nats.ts';
import { onReceipts, type ReceiptBatch, sendReceipts } from './receipts.ts';

test('a producer hears of messages that are tried again, with the reason, and of those that are fenced', async (t) => {
  const server = await testNats(t);
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  t.after(close);
  const heard = new Promise<ReceiptBatch>((resolve, reject) =>
    onReceipts(connection, 'assessments', resolve, reject),
  );
  const receipts = (['applied', 'retry', 'fenced'] as const).map((outcome) => ({
    ...{ eventId: outcome, outcome, epoch: 5n, detail: 'the database is away' },
  }));
  sendReceipts(connection, 'assessments', { link: 'COMM-010', consumer: 'hiring', receipts });
  const { receipts: seen } = await heard;
  assert.deepEqual(
    seen.map(({ outcome, epoch, detail }) => [outcome, epoch, detail]),
    [
      ['applied', 5n, undefined],
      ['retry', 5n, 'the database is away'],
      ['fenced', 5n, undefined],
    ],
  );
});

test('receipts with long reasons go in messages that the server takes', async (t) => {
  const server = await testNats(t, 'max_payload: 4096');
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  t.after(close);
  const heard: string[] = [];
  const all = Promise.withResolvers<void>();
  onReceipts(
    connection,
    'assessments',
    ({ receipts }) => {
      heard.push(...receipts.map(({ eventId }) => eventId));
      if (heard.length === 50) all.resolve();
    },
    all.reject,
  );
  const receipts = Array.from({ length: 50 }, (_, i) => ({
    ...{ eventId: `${i}`, outcome: 'retry' as const, epoch: 5n, detail: '\u0001'.repeat(400) },
  }));
  sendReceipts(connection, 'assessments', { link: 'COMM-010', consumer: 'hiring', receipts });
  await all.promise;
});
