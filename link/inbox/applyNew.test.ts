import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { type ApplyEvent, functional } from './handler.ts';
import { Receiver } from './receiver.ts';
import { solutionCompleted } from './solutions.fixture.ts';

const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'apply' });
after(() => closePostgres(sql));

function receiverOf(apply: ApplyEvent) {
  const handlers = { SolutionCompleted: apply, SolutionRevoked: apply };
  const handler = functional(handlers, { independentKeys: true });
  return new Receiver({ sql, link: links['COMM-040'], log: silentLog, handler });
}

test('a handler whose keys are independent is called for the next key before the first one ends', async () => {
  const [first, second] = [solutionCompleted(), solutionCompleted()];
  const secondCame = Promise.withResolvers<void>();
  const receiver = receiverOf(async (_tx, { key }) => {
    if (key === second.key) secondCame.resolve();
    else await secondCame.promise;
    return undefined;
  });
  const receipts = await receiver.receive([first, second]);
  assert.deepEqual(
    receipts.map(({ outcome }) => outcome),
    ['applied', 'applied'],
  );
});

test('events of one key stay in their order, one after another', async () => {
  const key = solutionCompleted().key;
  const arrivals = [1n, 2n, 3n].map((version) => solutionCompleted(key, version));
  const log: string[] = [];
  const receiver = receiverOf(async (tx, { version }) => {
    log.push(`begin ${version}`);
    await tx`select 1`;
    log.push(`end ${version}`);
    return undefined;
  });
  await receiver.receive(arrivals.toReversed());
  assert.deepEqual(log, ['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
});

test('events with a copy are handled one after another: what each of them writes is compared', async () => {
  const arrivals = [solutionCompleted(), solutionCompleted()];
  let running = 0;
  let most = 0;
  const receiver = receiverOf(async (tx) => {
    running += 1;
    most = Math.max(most, running);
    await tx`select 1`;
    running -= 1;
    return undefined;
  });
  await receiver.receive(arrivals.map((one) => ({ ...one, isCopied: true })));
  assert.equal(most, 1);
});

test('when one of them fails, the others have their effect, and it alone is tried again', async () => {
  await sql`create table if not exists counted (key text primary key)`;
  const arrivals = Array.from({ length: 100 }, () => solutionCompleted());
  const bad = arrivals[37]!;
  const receiver = receiverOf(async (tx, { key }) => {
    await tx`insert into counted (key) values (${key})`;
    if (key === bad.key) throw new Error('no');
    return undefined;
  });
  const receipts = await receiver.receive(arrivals);
  const failed = receipts.filter(({ outcome }) => outcome !== 'applied');
  assert.deepEqual(
    failed.map(({ eventId, outcome }) => [eventId, outcome]),
    [[bad.eventId, 'retry']],
  );
  const counted = await sql<{ key: string }[]>`select key from counted`;
  const expected = arrivals.filter((one) => one !== bad).map(({ key }) => key);
  assert.deepEqual(counted.map(({ key }) => key).sort(), expected.sort());
});
