/** What a consumer remembers: days of the inbox come and go, and nothing is applied twice for it. */
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { applyExpandBefore } from '../../test/harness/earlierSchema.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { keepDays } from '../upkeep/dayPartitions.ts';
import { inboxDays } from './days.ts';
import { listDeadLetters } from './deadLetters.ts';
import type { Arrival } from './delivery.ts';
import { readInboxDigest } from './digest.ts';
import { Receiver } from './receiver.ts';
import { redrive } from './redrive.ts';
import { solutionCompleted, solutionHandler } from './solutions.fixture.ts';

const link = links['COMM-040'];
const DAY_MS = 24 * 60 * 60 * 1_000;
const NOW = new Date();
const HORIZON = inboxDays(30);
const daysAgo = (days: number) => new Date(NOW.getTime() - days * DAY_MS);

const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'days', max: 4 });
after(() => closePostgres(sql));

let applied: string[] = [];
let isBroken = false;
const handler = solutionHandler(async (_tx, { eventId }) => {
  if (isBroken) throw new Error('broken');
  applied.push(eventId);
  return undefined;
});
const limits = { maxAttempts: 1 };
const receiver = new Receiver({ sql, link, log: silentLog, handler, limits });
const keep = (at: Date) => keepDays(sql, HORIZON, at);
const receive = async (message: Arrival) => (await receiver.receive([message]))[0]!;

beforeEach(async () => {
  applied = [];
  isBroken = false;
  for (const name of await days()) await sql`drop table relink.${sql(name)}`;
  await sql`truncate relink.inbox, relink.memory, relink.positions, relink.parked,
    relink.dead_letters`;
});

async function days(): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`select c.relname as name from pg_inherits
    join pg_class c on c.oid = inhrelid where inhparent = 'relink.inbox'::regclass
      and c.relname <> 'inbox_rest' order by 1`;
  return rows.map(({ name }) => name);
}

const nameOf = (at: Date) => `inbox_${at.toISOString().slice(0, 10).replaceAll('-', '')}`;

/** A message whose id is of that time; with version 4 in it, of none. */
function messageOf(at: Date, version = '7'): Arrival {
  const message = solutionCompleted();
  const hex = at.getTime().toString(16).padStart(12, '0');
  const rest = message.eventId.slice(15);
  const eventId = `${hex.slice(0, 8)}-${hex.slice(8)}-${version}${rest}`;
  return { ...message, eventId, text: message.text.replace(message.eventId, eventId) };
}

const settled = async () => {
  const { digests } = await readInboxDigest(sql, link.id, { epoch: 1n, afterEpoch: 0n });
  return digests.reduce((sum, { count }) => sum + count, 0n);
};
const placeOf = async ({ eventId }: Arrival) => {
  const [row] = await sql<{ place: string }[]>`
    select tableoid::regclass::text as place from relink.inbox where event_id = ${eventId}`;
  return row?.place;
};

test('a day takes the ids of its time, and none while there are such ids already', async () => {
  const early = messageOf(daysAgo(-2));
  await receive(early);
  assert.equal(await placeOf(early), 'relink.inbox_rest');
  await keep(NOW);
  assert.deepEqual(
    await days(),
    [0, 1, 3, 4, 5, 6, 7].map((n) => nameOf(daysAgo(-n))),
  );
  const next = messageOf(daysAgo(-3));
  await receive(next);
  assert.equal(await placeOf(next), `relink.${nameOf(daysAgo(-3))}`);
  for (const known of [early, next]) assert.equal((await receive(known)).outcome, 'duplicate');
  assert.equal(await settled(), 2n);
});

test('after its day is dropped, a message that comes again is not applied twice', async () => {
  await keep(daysAgo(40));
  const old = messageOf(daysAgo(35));
  await receive(old);
  assert.equal(await placeOf(old), `relink.${nameOf(daysAgo(35))}`);
  await keep(NOW);
  assert.ok(!(await days()).includes(nameOf(daysAgo(35))));
  assert.equal(await settled(), 1n, 'what was settled still counts');

  const again = await receive(old);
  assert.deepEqual([again.outcome, again.epoch], ['dead', 0n]);
  assert.match(again.detail ?? '', /^the id is of .*, and what came before .* may be forgotten/);
  assert.equal((await receive(old)).outcome, 'dead');
  assert.deepEqual(applied, [old.eventId]);
  assert.equal(await settled(), 1n);
  const letters = await listDeadLetters(sql, { link: link.id, limit: 10 });
  assert.deepEqual(
    letters.map(({ event_id, reason }) => [event_id, reason]),
    [[old.eventId, 'PAST_HORIZON']],
  );
});

test('a message past the horizon that was never applied is applied when a person redrives it', async () => {
  await keep(daysAgo(40));
  await receive(messageOf(daysAgo(35)));
  await keep(NOW);
  const late = messageOf(daysAgo(35));
  assert.equal((await receive(late)).outcome, 'dead');
  const [letter] = await listDeadLetters(sql, { link: link.id, limit: 1 });
  const results = await Promise.all(
    [1, 2].map(() => redrive(sql, link, handler, letter!.id, 'test')),
  );
  assert.deepEqual(results.map(({ outcome }) => outcome).sort(), ['applied', 'gone']);
  assert.equal(applied.filter((id) => id === late.eventId).length, 1);
  assert.equal((await receive(late)).outcome, 'duplicate');
  assert.equal(await settled(), 1n);
});

test('a message past the horizon does not keep the others of its batch', async () => {
  await keep(daysAgo(40));
  await receive(messageOf(daysAgo(35)));
  await keep(NOW);
  const [late, fresh] = [messageOf(daysAgo(36)), messageOf(NOW)];
  const receipts = await receiver.receive([late, fresh]);
  assert.deepEqual(
    receipts.map(({ outcome }) => outcome),
    ['dead', 'applied'],
  );
});

test('what is open, and ids that tell no time, stay when their day is dropped', async () => {
  await keep(daysAgo(40));
  const [timeless, given] = [messageOf(daysAgo(35), '4'), messageOf(daysAgo(35))];
  await receive(timeless);
  isBroken = true;
  await receive(given);
  isBroken = false;
  const { key } = given;
  const parked = { ...messageOf(daysAgo(34)), version: 2n };
  assert.equal((await receive(parked)).outcome, 'parked');
  await keep(NOW);
  for (const message of [timeless, given, parked])
    assert.equal(await placeOf(message), 'relink.inbox_rest', key);
  assert.equal((await receive(timeless)).outcome, 'duplicate');
  const [letter] = await listDeadLetters(sql, { link: link.id, limit: 1 });
  const { outcome } = await redrive(sql, link, handler, letter!.id, 'test');
  assert.equal(outcome, 'applied');
});

test('ids of before there were days are forgotten bit by bit, by their time and their arrival', async () => {
  const [old, open, late] = [
    messageOf(daysAgo(50)),
    messageOf(daysAgo(50)),
    messageOf(daysAgo(50)),
  ];
  const [timeless, fresh] = [messageOf(daysAgo(50), '4'), messageOf(NOW)];
  isBroken = true;
  await receive(open);
  isBroken = false;
  for (const message of [old, timeless, fresh, late]) await receive(message);
  await sql`update relink.inbox set received_at = ${daysAgo(45)} where event_id <> ${late.eventId}`;
  await keep(NOW);
  assert.equal(await placeOf(old), undefined);
  for (const message of [open, timeless, fresh, late]) assert.ok(await placeOf(message));
  assert.equal((await receive(old)).outcome, 'dead');
  assert.equal((await receive(late)).outcome, 'duplicate');
  assert.equal((await receive(messageOf(daysAgo(50), '4'))).outcome, 'applied');
  assert.equal(await settled(), 6n);
});

test('nothing is refused as long as nothing was forgotten', async () => {
  await keep(NOW);
  assert.equal((await receive(messageOf(daysAgo(400)))).outcome, 'applied');
  await keep(NOW);
  assert.equal((await receive(messageOf(daysAgo(400)))).outcome, 'applied');
});

test('an inbox of before has days after it, and keeps all its rows', async (t) => {
  const { url: older } = await testDatabase(t);
  await applyExpandBefore(older, 'link', 'memory');
  const db = connectPostgres(older, { name: 'older', max: 1 });
  t.after(() => closePostgres(db));
  const ids = [messageOf(daysAgo(50)), messageOf(NOW), messageOf(daysAgo(-3))];
  await db`insert into relink.inbox (event_id, link, lane, epoch, key, version, event_version, hash,
      outcome)
    select id, ${link.id}, 1, 1, 'ada', 1, 0, 5, 'applied'
    from unnest(${ids.map(({ eventId }) => eventId)}::uuid[]) id`;
  await applyExpand(older, ['link']);
  const places =
    await db`select tableoid::regclass::text as place from relink.inbox order by event_id`;
  assert.deepEqual(
    places.map(({ place }) => place),
    ['relink.inbox_rest', 'relink.inbox_rest', `relink.${nameOf(daysAgo(-3))}`],
  );
  await db`insert into relink.inbox select * from relink.inbox on conflict (event_id) do nothing`;
  const { digests } = await readInboxDigest(db, link.id, { epoch: 0n, afterEpoch: 0n });
  assert.deepEqual([digests[0]!.count, digests[0]!.sum], [3n, '15']);
});
