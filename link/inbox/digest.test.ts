/** The digest of what was settled: kept as the inbox changes, and equal to the inbox at any time. */
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { applyExpandBefore } from '../../test/harness/earlierSchema.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { discardDeadLetter, listDeadLetters } from './deadLetters.ts';
import { enterInbox } from './deduplicate.ts';
import { type Arrival, checkArrival } from './delivery.ts';
import { foldSettled, readInboxDigest } from './digest.ts';
import { raiseFence } from './fence.ts';
import { Receiver } from './receiver.ts';
import { redrive } from './redrive.ts';
import { solutionCompleted, solutionHandler } from './solutions.fixture.ts';

const link = links['COMM-040'];
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'digest', max: 6 });
after(() => closePostgres(sql));
beforeEach(
  () => sql`truncate relink.inbox, relink.positions, relink.parked, relink.attempts,
  relink.dead_letters`,
);

/** Half of all tries fail while it is set. */
let isShaky = false;
const handler = solutionHandler(async () => {
  if (isShaky && Math.random() < 0.5) throw new Error('shaky');
  return undefined;
});
const limits = { maxAttempts: 1 };
/** Each with no failures behind it: one that had many would pause. */
const receiver = () => new Receiver({ sql, link, log: silentLog, handler, limits });

const ALL = { epoch: 0n, afterEpoch: 0n };
const kept = async () => (await readInboxDigest(sql, link.id, ALL)).digests;
/** The same, added up from the rows themselves. */
const computed = () => sql`
  select lane, epoch, count(*) as count, sum(hash)::text as sum,
    count(*) filter (where outcome = 'applied') as applied,
    count(*) filter (where outcome = 'superseded') as superseded,
    count(*) filter (where outcome = 'dead') as dead,
    count(*) filter (where outcome = 'parked') as parked
  from relink.inbox where link = ${link.id} group by lane, epoch order by epoch, lane`;
const assertEqual = async () => assert.deepEqual([...(await kept())], [...(await computed())]);

const pick = <T>(from: readonly T[]) => from[Math.floor(Math.random() * from.length)]!;

/** Versions of a few keys, some of them never sent: what is behind a gap is parked. */
function someMessages(): Arrival[] {
  const keys = Array.from({ length: 12 }, () => solutionCompleted().key);
  const all = keys.flatMap((key) =>
    [1n, 2n, 3n, 4n].map((version) => ({
      ...solutionCompleted(key, version),
      epoch: BigInt(1 + (Number(version) % 2)),
    })),
  );
  return all.filter(() => Math.random() < 0.8).sort(() => Math.random() - 0.5);
}

async function redriveSome(): Promise<void> {
  const letters = await listDeadLetters(sql, { link: link.id, limit: 100 });
  for (const { id } of letters)
    if (Math.random() < 0.2) await discardDeadLetter(sql, id, 'test', 'not wanted');
    else await redrive(sql, link, handler, id, 'test');
}

async function unparkAll(): Promise<void> {
  while (
    await receiver()
      .unparkOne()
      .catch(() => true)
  );
}

test('it equals the inbox whatever was entered, repeated, parked, given up and redriven at once', async () => {
  for (let round = 0; round < 4; round += 1) {
    isShaky = true;
    const messages = someMessages();
    const repeats = Array.from({ length: 10 }, () => pick(messages));
    const batches = [...messages, ...repeats].map((one) => [one, pick(messages)]);
    await Promise.all([...batches.map((some) => receiver().receive(some)), unparkAll()]);
    await assertEqual();
    isShaky = false;
    await Promise.all([redriveSome(), redriveSome(), unparkAll()]);
    await assertEqual();
  }
  const outcomes = (await kept()).reduce((sum, one) => sum + one.applied + one.dead, 0n);
  assert.ok(outcomes > 0n);
});

test('it follows rows that are changed or removed by hand', async () => {
  await receiver().receive([solutionCompleted(), solutionCompleted(), solutionCompleted()]);
  await sql`update relink.inbox set hash = hash - 1, epoch = 7
    where event_id = (select event_id from relink.inbox limit 1)`;
  await sql`delete from relink.inbox
    where event_id = (select event_id from relink.inbox where epoch = 1 limit 1)`;
  await assertEqual();
  await sql`truncate relink.inbox`;
  await assertEqual();
});

test('it is read without the inbox, which others may hold', async () => {
  await receiver().receive([solutionCompleted()]);
  const impatient = connectPostgres(url, { name: 'impatient', session: { lock_timeout: 100 } });
  try {
    await sql.begin(async (tx) => {
      await tx`lock table relink.inbox in access exclusive mode`;
      const { digests } = await readInboxDigest(impatient, link.id, ALL);
      assert.equal(digests[0]?.applied, 1n);
    });
  } finally {
    await closePostgres(impatient);
  }
});

test('a message that is still being applied keeps no other of its lane waiting', async () => {
  const { key } = solutionCompleted();
  const checked = checkArrival(link, solutionCompleted(key), handler);
  assert.ok(checked.ok);
  await sql.begin(async (tx) => {
    await enterInbox(tx, link.id, [checked.delivery]);
    const [receipt] = await receiver().receive([solutionCompleted(key)]);
    assert.equal(receipt!.outcome, 'applied');
  });
  await assertEqual();
});

test('it begins with what the inbox held before it was kept', async (t) => {
  const { url: older } = await testDatabase(t);
  await applyExpandBefore(older, 'link', 'settled');
  const db = connectPostgres(older, { name: 'older', max: 1 });
  t.after(() => closePostgres(db));
  await db`insert into relink.inbox (event_id, link, lane, epoch, key, version, event_version, hash,
      outcome)
    select gen_random_uuid(), ${link.id}, n % 2, 1, 'ada', n, 0, n, 'applied'
    from generate_series(1, 5) n`;
  await applyExpand(older, ['link']);
  const { digests } = await readInboxDigest(db, link.id, ALL);
  assert.deepEqual(
    digests.map(({ lane, count, sum }) => [lane, count, sum]),
    [
      [0, 2n, '6'],
      [1, 3n, '9'],
    ],
  );
});

test('shards of epochs below the fence are added up for good, and say the same', async () => {
  const same = solutionCompleted().key;
  const message = () => solutionCompleted(same);
  await Promise.all([1, 2, 3, 4, 5, 6].map(() => receiver().receive([message()])));
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(7070004, 0)`;
    await receiver().receive([message()]);
  });
  const before = await kept();
  await raiseFence(sql, link.id, [before[0]!.lane], 2n);
  await foldSettled(sql);
  const shards = await sql`select distinct shard from relink.settled`;
  assert.deepEqual(
    shards.map(({ shard }) => shard),
    [-1],
  );
  assert.deepEqual(await kept(), before);
  await assertEqual();
});
