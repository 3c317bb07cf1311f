/** Ordered links: a new message whose version its key has passed was not applied, and somebody must know. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { listDeadLetters } from './deadLetters.ts';
import { readInbox } from './deduplicate.ts';
import type { Arrival } from './delivery.ts';
import { readExceptions } from './exceptions.ts';
import type { ApplyEvent } from './handler.ts';
import { Receiver } from './receiver.ts';
import { redrive } from './redrive.ts';
import { solutionCompleted, solutionHandler } from './solutions.fixture.ts';

const link = links['COMM-040'];
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'version-passed' });
after(() => closePostgres(sql));
beforeEach(async () => {
  await sql`truncate relink.inbox, relink.positions, relink.parked, relink.dead_letters`;
});

/** A consumer, what it applied and what it raised an alarm for. */
function consumer() {
  const applied: string[] = [];
  const alarms: string[] = [];
  const apply: ApplyEvent = async (_tx, { eventId }) => void applied.push(eventId) as undefined;
  const handler = solutionHandler(apply);
  const onAlarm = (what: string, eventId: string) => void alarms.push(`${what} ${eventId}`);
  const receiver = new Receiver({ sql, link, log: silentLog, handler, onAlarm });
  return { receiver, handler, applied, alarms };
}

/** Two facts that their producer gave one version: the second came after the first was applied. */
async function twoOfOneVersion() {
  const its = consumer();
  const key = randomUUIDv7();
  const [first, second] = [solutionCompleted(key), solutionCompleted(key)];
  await its.receiver.receive([first]);
  const [receipt] = await its.receiver.receive([second]);
  const [letter] = await listDeadLetters(sql, { link: link.id, limit: 1 });
  return { ...its, first, second, receipt: receipt!, letter: letter! };
}

test('a new message whose version has passed becomes a dead letter that names key, version and position, with an alarm', async () => {
  const { applied, alarms, first, second, receipt, letter } = await twoOfOneVersion();
  assert.equal(receipt.outcome, 'dead');
  assert.deepEqual(applied, [first.eventId]);
  assert.deepEqual(alarms, [`VERSION_PASSED ${second.eventId}`]);
  assert.deepEqual([letter.event_id, letter.reason], [second.eventId, 'VERSION_PASSED']);
  assert.match(letter.detail, new RegExp(`key ${second.key}: .* version 1, .* at version 1`));
  assert.equal(await outcomeOf(second), 'dead');
});

test('of two new messages with one version in a batch the second becomes a dead letter', async () => {
  const { receiver, applied, alarms } = consumer();
  const key = randomUUIDv7();
  const batch = [solutionCompleted(key), solutionCompleted(key)];
  const receipts = await receiver.receive(batch);
  assert.deepEqual(receipts.map(({ outcome }) => outcome).sort(), ['applied', 'dead']);
  assert.deepEqual([applied.length, alarms.length], [1, 1]);
});

test('of two parked messages with one version the second becomes a dead letter when their turn comes', async () => {
  const { receiver, applied, alarms } = consumer();
  const key = randomUUIDv7();
  await receiver.receive([solutionCompleted(key, 2n), solutionCompleted(key, 2n)]);
  await receiver.receive([solutionCompleted(key)]);
  const receipts = [await receiver.unparkOne(), await receiver.unparkOne()];
  assert.deepEqual(
    receipts.map((one) => one?.outcome),
    ['applied', 'dead'],
  );
  assert.deepEqual([applied.length, alarms.length], [2, 1]);
});

test('a copy of a message that became such a dead letter is answered dead and not buried again', async () => {
  const { receiver, second, alarms } = await twoOfOneVersion();
  const [again] = await receiver.receive([second]);
  assert.equal(again?.outcome, 'dead');
  assert.equal((await listDeadLetters(sql, { limit: 10 })).length, 1);
  assert.equal(alarms.length, 1);
});

test('a redrive leaves it dead and says what can be done; out of turn it is applied once and moves no key', async () => {
  const { handler, applied, second, letter } = await twoOfOneVersion();
  const refused = await redrive(sql, link, handler, letter.id, 'ada');
  assert.equal(refused.outcome, 'dead');
  assert.match(refused.outcome === 'dead' ? refused.detail : '', /--out-of-turn.*discard/);
  const outOfTurn = () => redrive(sql, link, handler, letter.id, 'ada', { isOutOfTurn: true });
  const results = await Promise.all([outOfTurn(), outOfTurn()]);
  assert.deepEqual(results.map(({ outcome }) => outcome).sort(), ['applied', 'gone']);
  assert.deepEqual(applied.slice(1), [second.eventId]);
  assert.equal(await outcomeOf(second), 'applied');
  const [position] = await sql`select version from relink.positions where key = ${second.key}`;
  assert.equal(position?.version, 1n);
});

test('out of turn does not let a message overtake an earlier one of its key', async () => {
  const { receiver, handler, applied } = consumer();
  const key = randomUUIDv7();
  const later = solutionCompleted(key, 2n);
  await receiver.receive([{ ...later, text: later.text.replace('completed_at', 'done_at') }]);
  const [letter] = await listDeadLetters(sql, { limit: 1 });
  await sql`update relink.dead_letters set body = ${later.text}`;
  const result = await redrive(sql, link, handler, letter!.id, 'ada', { isOutOfTurn: true });
  assert.match(result.outcome === 'dead' ? result.detail : '', /an earlier message of its key/);
  assert.deepEqual(applied, []);
});

test('what an epoch carried and was not applied is named, also what builds of before superseded', async () => {
  const { first, second, letter } = await twoOfOneVersion();
  const page = { link: link.id, epoch: 1n, limit: 10 };
  const [dead, ...others] = await readExceptions(sql, { ...page, outcomes: ['dead'] });
  assert.deepEqual({ ...dead }, { eventId: second.eventId, outcome: 'dead', lane: letter.lane });
  assert.equal(others.length, 0);
  await sql`update relink.inbox set outcome = 'superseded' where event_id = ${first.eventId}`;
  const both = await readExceptions(sql, { ...page, outcomes: ['dead', 'superseded'] });
  assert.deepEqual(both.map(({ outcome }) => outcome).sort(), ['dead', 'superseded']);
  const ofAnother = { ...page, epoch: 2n, outcomes: ['dead', 'superseded'] };
  assert.equal((await readExceptions(sql, ofAnother)).length, 0);
});

async function outcomeOf({ eventId }: Arrival): Promise<string | undefined> {
  return (await readInbox(sql, [eventId])).get(eventId)?.outcome;
}
