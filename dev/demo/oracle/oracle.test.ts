import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { test } from 'node:test';
import { laneOf } from '../../../link/link.ts';
import { privatePostgres } from '../../../test/harness/postgres.ts';
import type { Damage } from './findings.ts';
import { judge } from './oracle.ts';
import { readDelays } from './tables.ts';
import { addClosed, addInboxRow, LINK, makeWorld, namesOf, type World } from './world.fixture.ts';

/** Every finding as `damage consumer: sentence (cases)`. */
async function findIn(world: World): Promise<string[]> {
  const { findings, holds } = await judge(world);
  assert.equal(holds, findings.length === 0);
  return findings.map(({ damage, consumer, sentence, cases }) => {
    const count = cases.reduce((sum, one) => sum + one.count, 0);
    return `${damage} ${consumer}: ${sentence} (${count})`;
  });
}

async function namedIn(world: World, wanted: Damage): Promise<string[]> {
  const { findings } = await judge(world);
  return findings
    .filter(({ damage }) => damage === wanted)
    .flatMap(({ cases }) => cases.map(({ what, version }) => `${what} v${version}`));
}

test('a world that agrees holds, with every claim made', async (t) => {
  const world = await makeWorld(t);
  const { checks, holds } = await judge(world);
  assert.ok(holds);
  assert.deepEqual(
    checks.map(({ claim }) => claim),
    [
      "6 answers are true in the owner's table",
      'the outbox is empty for hiring and bonuses',
      '3 managers are equal in assessments and hiring',
      '6 changes arrived at hiring',
      'effects at hiring are single and in order',
      'what receipts closed is what hiring settled (1 epoch)',
      '3 managers are equal in assessments and bonuses',
      '6 changes arrived at bonuses',
      'effects at bonuses are single and in order',
      'what receipts closed is what bonuses settled (1 epoch)',
    ],
  );
});

test('a message that was closed without its inbox row is found and named', async (t) => {
  const world = await makeWorld(t);
  const [, second] = world.ids;
  await world.consumers.hiring`delete from relink.inbox where key = ${second} and version = 2`;
  assert.deepEqual(await findIn(world), [
    'lost hiring: changes that never took effect at hiring (1)',
    'lost hiring: closed without an inbox row at hiring (1)',
  ]);
  assert.deepEqual(await namedIn(world, 'lost'), [
    `${second} v2`,
    `lane ${laneOf(second)} epoch 1 v0`,
  ]);
});

test('a replica row that is missing is found', async (t) => {
  const world = await makeWorld(t);
  await world.consumers.bonuses`delete from manager_replicas where id = ${world.ids[0]}`;
  assert.deepEqual(await findIn(world), ['lost bonuses: rows that bonuses lacks or has older (1)']);
});

test('a replica row that stayed on an older version is found', async (t) => {
  const world = await makeWorld(t);
  await world.consumers.bonuses`
    update manager_replicas set version = 2 where id = ${world.ids[1]}`;
  assert.deepEqual(await namedIn(world, 'lost'), [`${world.ids[1]} v3`]);
});

test('a replica row with other names, and one that nobody owns, are found', async (t) => {
  const world = await makeWorld(t);
  const { hiring } = world.consumers;
  await hiring`update manager_replicas set last_name = 'Byron' where id = ${world.ids[2]}`;
  await hiring`insert into manager_replicas values (${randomUUIDv7()}, 1, 'No', 'Body')`;
  assert.deepEqual(await findIn(world), [
    'changed hiring: rows that are different in hiring (1)',
    'doubled hiring: rows of hiring that nobody owns (1)',
  ]);
});

test('an effect that happened twice is found, also when both were closed', async (t) => {
  const world = await makeWorld(t);
  const [, , id] = world.ids;
  const hash = await addInboxRow(world.consumers.hiring, { id, version: 2 });
  assert.deepEqual(await findIn(world), [
    'doubled hiring: versions that took effect twice at hiring (1)',
    'doubled hiring: settled more often than closed at hiring (1)',
  ]);
  await addClosed(world.owner, { consumer: 'hiring', id, hash });
  assert.deepEqual(await findIn(world), [
    'doubled hiring: versions that took effect twice at hiring (1)',
  ]);
});

test('a repeated message that was superseded is no damage', async (t) => {
  const world = await makeWorld(t);
  const [id] = world.ids;
  const { bonuses } = world.consumers;
  const hash = await addInboxRow(bonuses, { id, version: 1, outcome: 'superseded' });
  await addClosed(world.owner, { consumer: 'bonuses', id, hash });
  assert.deepEqual(await findIn(world), []);
});

test('an older version that took effect after a newer one is found', async (t) => {
  const world = await makeWorld(t);
  const [, second] = world.ids;
  await world.consumers.hiring`
    update relink.inbox set received_at = now() + interval '1 minute'
    where key = ${second} and version = 1`;
  assert.deepEqual(await findIn(world), [
    'reordered hiring: versions applied after newer ones at hiring (1)',
  ]);
  assert.deepEqual(await namedIn(world, 'reordered'), [`${second} v1`]);
});

test('where the server keeps commit times, these and not the beginnings decide the order', async (t) => {
  const server = await privatePostgres(t, { track_commit_timestamp: 'on' });
  const world = await makeWorld(t, server.url);
  assert.deepEqual(await findIn(world), []);
  const [, , id] = world.ids;
  const { hiring } = world.consumers;
  // Written again after the newer version, by a transaction that began before it.
  await hiring`delete from relink.inbox where key = ${id} and version = 1`;
  await addInboxRow(hiring, { id, version: 1, receivedAt: new Date(Date.now() - 60_000) });
  const found = await findIn(world);
  assert.ok(found.includes('reordered hiring: versions applied after newer ones at hiring (1)'));
});

test('contents that changed on the way are found by the sums', async (t) => {
  const world = await makeWorld(t);
  await world.consumers.hiring`
    update relink.inbox set hash = hash + 1 where key = ${world.ids[0]}`;
  assert.deepEqual(await findIn(world), [
    'changed hiring: settled with other contents at hiring (1)',
  ]);
});

test('open messages, dead letters and parked messages are found', async (t) => {
  const world = await makeWorld(t);
  const [id] = world.ids;
  await world.owner`
    insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
    values (${`${LINK}/bonuses`}, ${laneOf(id)}, ${id}, 1, 'ManagerCreated', 0, ${randomUUIDv7()}, '')`;
  const { hiring } = world.consumers;
  await hiring`
    insert into relink.dead_letters (id, event_id, link, lane, epoch, event, event_version, key,
      version, reason, detail, attempts, body, headers)
    values (${randomUUIDv7()}, ${randomUUIDv7()}, ${LINK}, 1, 1, 'ManagerUpdated', 0, ${id}, 1,
      'HANDLER_FAILED', '', 5, '', '{}')`;
  await hiring`
    insert into relink.parked (event_id, link, key, version, delivery)
    values (${randomUUIDv7()}, ${LINK}, ${id}, 1, '{}')`;
  assert.deepEqual(await findIn(world), [
    'leftover bonuses: the outbox is not empty (1)',
    'leftover hiring: messages that hiring gave up or parked (2)',
  ]);
});

test('what callers were told and the owner does not have is found', async (t) => {
  const world = await makeWorld(t);
  const [first, second, third] = world.ids;
  world.told.acknowledge(first, 2n, namesOf(2));
  world.told.loseAnswer(second);
  await world.owner`update managers set last_name = 'Byron' where id = ${third}`;
  const { checks } = await judge(world);
  const told = checks[0]?.findings.map(({ damage, cases }) => `${damage} ${cases[0]?.what}`);
  assert.deepEqual(told, [`lost ${first}`, `changed ${third}`]);
});

test('a change that more versions than calls explain is found; a lost answer explains one', async (t) => {
  const world = await makeWorld(t);
  const [id] = world.ids;
  await world.owner`update managers set version = 2 where id = ${id}`;
  assert.deepEqual(await namedIn(world, 'doubled'), [`${id} v2`]);
  world.told.loseAnswer(id);
  assert.deepEqual(await namedIn(world, 'doubled'), []);
});

test('delays run from the time in the message id to the effect', async (t) => {
  const world = await makeWorld(t);
  const { hiring } = world.consumers;
  const fromMs = Date.now();
  const late = new Date(fromMs + 2_000);
  await addInboxRow(hiring, { id: world.ids[0], version: 9, receivedAt: late });
  const delays = await readDelays(hiring, LINK, { fromMs, toMs: fromMs + 60_000 });
  assert.equal(delays.messages, 1);
  assert.ok(delays.maxMs > 1_000 && delays.maxMs <= 2_000, `${delays.maxMs} ms`);
  const none = await readDelays(hiring, LINK, { fromMs: fromMs + 60_000, toMs: fromMs + 90_000 });
  assert.deepEqual(none, { messages: 0, maxMs: 0, p99Ms: 0 });
});
