import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectNats } from '../../../runtime/nats.ts';
import { testNats } from '../../../test/harness/nats.ts';
import { ReceiptAsker } from '../../participant/receiptAsker.ts';
import { type AnswerReceipts, answerOverNats, askOverNats, askSubject } from './asking.ts';

const ID = '018f0000-0000-7000-8000-000000000001';
const APPLIED = { eventId: ID, outcome: 'applied', epoch: 5n, version: 1 } as const;
const LEG = { link: 'COMM-010', consumer: 'hiring' };

async function prepare(t: Parameters<typeof testNats>[0]) {
  const server = await testNats(t);
  const { connection, close } = await connectNats(server.url, { name: 'test' });
  t.after(close);
  const problems: unknown[] = [];
  const answer = (answers: AnswerReceipts) =>
    answerOverNats(connection, 'hiring', answers, (problem) => problems.push(problem));
  return { nats: connection, answer, problems };
}

test('a producer learns over NATS what the consumer knows, from one of its processes', async (t) => {
  const { nats, answer } = await prepare(t);
  const asked: [string, readonly string[]][] = [];
  for (let process = 0; process < 3; process += 1)
    answer(async (link, ids) => {
      asked.push([link, ids]);
      return { receipts: [APPLIED], isStreamIdle: true };
    });
  const known = await askOverNats(nats, LEG, [ID], 2_000);
  assert.deepEqual(known, { receipts: [APPLIED], isStreamIdle: true });
  await nats.flush();
  assert.deepEqual(asked, [['COMM-010', [ID]]]);
});

test('a consumer that cannot tell says so, and none is not waited for', async (t) => {
  const { nats, answer } = await prepare(t);
  await assert.rejects(askOverNats(nats, LEG, [ID], 2_000), /no responders/i);
  answer(() => Promise.reject(new Error('the database is away')));
  await assert.rejects(askOverNats(nats, LEG, [ID], 2_000), /hiring cannot tell: the database/);
  for (const body of ['', '{}', '{"link":"COMM-010","ids":[1]}', 'null']) {
    const { problem } = (await nats.request(askSubject('hiring'), body)).json<{
      problem: string;
    }>();
    assert.notEqual(problem, '', body);
  }
});

test('receipts are asked for over NATS while no process of the consumer answers by gRPC', async (t) => {
  const { nats, answer } = await prepare(t);
  const asker = new ReceiptAsker({ hiring: ['127.0.0.1:1'] }, nats);
  t.after(() => asker.close());
  const ask = asker.askerOf('COMM-010');
  await assert.rejects(ask('hiring', [ID]), /127\.0\.0\.1:1|UNAVAILABLE/);
  answer(async () => ({ receipts: [APPLIED], isStreamIdle: false }));
  const known = { receipts: [APPLIED], isStreamIdle: false };
  assert.deepEqual(await ask('hiring', [ID]), known);
  assert.deepEqual(await ask('hiring', [ID]), known, 'now asked first');
});
