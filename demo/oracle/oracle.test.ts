import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, test } from 'node:test';
import { laneOf } from '../../link/link.ts';
import { privatePostgres } from '../../test/harness/postgres.ts';
import {
  addClosed,
  addInboxRow,
  carry,
  makeWorlds,
  namesOf,
  type World,
} from './company.fixture.ts';
import type { Damage } from './findings.ts';
import { readDelays } from './linkTables.ts';
import { judge } from './oracle.ts';

const LINK = 'COMM-010';
const worlds = await makeWorlds({ after });

/** Every finding as `damage link consumer: sentence (cases)`. */
async function findIn(world: World): Promise<string[]> {
  const { findings, holds } = await judge(world);
  assert.equal(holds, findings.length === 0);
  return findings.map(({ damage, link, consumer, sentence, cases }) => {
    const count = cases.reduce((sum, one) => sum + one.count, 0);
    const where = link === '' ? '' : ` ${link} ${consumer}`;
    return `${damage}${where}: ${sentence} (${count})`;
  });
}

async function namedIn(world: World, wanted: Damage): Promise<string[]> {
  const { findings } = await judge(world);
  return findings
    .filter(({ damage }) => damage === wanted)
    .flatMap(({ cases }) => cases.map(({ what, version }) => `${what} v${version}`));
}

test('a world that agrees holds, with every claim made', async (t) => {
  const { checks, findings, money } = await judge(await worlds.open(t));
  assert.deepEqual(findings, []);
  assert.deepEqual(
    checks.map(({ claim }) => claim),
    [
      '6 answers about managers are true',
      '1 answers about assessments are true; 1 exercises became harder, once',
      '2 candidates have left to solve what they must',
      '2 assignments are at management and at hiring',
      '13 solutions are as told, 1 of them revoked',
      '1 ratings are what their results make them',
      '1 promoted candidates are teachers',
      '12 accepted solutions are credited, 1 revoked ones debited',
      '13 bookings follow from ratings that hiring had',
      "1 authors' balances are right, and the ledger sums to zero",
      '13 transfers of finance are what was booked',
      '3 managers are equal in assessments and hiring',
      '3 managers are equal in assessments and bonuses',
      '1 assessments are equal in assessments and hiring',
      '2 candidates are equal in hiring and management',
      '1 ratings are equal in hiring and bonuses',
      'COMM-010: 6 messages once and in order at hiring (1 epoch), bonuses (1 epoch)',
      'COMM-020: 1 messages once and in order at hiring (1 epoch)',
      'COMM-021: 1 messages once and in order at hiring (1 epoch)',
      'COMM-030: 5 messages once and in order at management (1 epoch)',
      'COMM-040: 13 messages once and in order at bonuses (1 epoch)',
      'COMM-050: 1 messages once and in order at assessments (1 epoch)',
      'COMM-060: 14 messages once and in order at bonuses (1 epoch)',
      'COMM-070: 2 messages once and in order at hiring (1 epoch)',
      'COMM-080: 13 messages once and in order at finance (1 epoch)',
      'no message is open, parked or given up at any of 5 services',
    ],
  );
  assert.deepEqual([money.credits, money.debits, money.transfers], [12, 1, 13]);
  assert.deepEqual([money.owed_minor, money.ledger_sum_minor], [money.paid_minor, 0]);
});

test('a message that was closed without its inbox row is found and named', async (t) => {
  const world = await worlds.open(t);
  const [, second] = world.ids;
  await world.database('hiring')`
    delete from relink.inbox where key = ${second} and link = ${LINK} and version = 2`;
  assert.deepEqual(await findIn(world), [
    'lost COMM-010 hiring: messages that never took effect at hiring (1)',
    'lost COMM-010 hiring: closed without an inbox row at hiring (1)',
  ]);
  assert.deepEqual(await namedIn(world, 'lost'), [
    `${second} v2`,
    `lane ${laneOf(second)} epoch 1 v0`,
  ]);
});

test('a replica row that is missing, older, different or nobody’s is found', async (t) => {
  const world = await worlds.open(t);
  const [hiring, bonuses] = [world.database('hiring'), world.database('bonuses')];
  await bonuses`delete from manager_replicas where id = ${world.ids[0]}`;
  await bonuses`update manager_replicas set version = 2 where id = ${world.ids[1]}`;
  await hiring`update manager_replicas set last_name = 'Byron' where id = ${world.ids[2]}`;
  await hiring`insert into manager_replicas values (${randomUUIDv7()}, 1, 'No', 'Body')`;
  await world.database('management')`update candidate_replicas set name = 'X'`;
  await hiring`update assessment_replicas set exercises = '[]'`;
  assert.deepEqual(await findIn(world), [
    'changed COMM-010 hiring: managers that are different in hiring (1)',
    'doubled COMM-010 hiring: managers of hiring that nobody owns (1)',
    'lost COMM-010 bonuses: managers that bonuses lacks or has older (2)',
    'changed COMM-021 hiring: assessments that are different in hiring (1)',
    'changed COMM-030 management: candidates that are different in management (2)',
  ]);
});

test('an effect that happened twice is found, also when both were closed', async (t) => {
  const world = await worlds.open(t);
  const [, , key] = world.ids;
  const hash = await addInboxRow(world.database('hiring'), { link: LINK, key, version: 2 });
  assert.deepEqual(await findIn(world), [
    'doubled COMM-010 hiring: versions that took effect twice at hiring (1)',
    'doubled COMM-010 hiring: settled more often than closed at hiring (1)',
  ]);
  await addClosed(world.database('assessments'), { link: LINK, consumer: 'hiring', key, hash });
  assert.deepEqual(await findIn(world), [
    'doubled COMM-010 hiring: versions that took effect twice at hiring (1)',
  ]);
});

test('a repeated message that was superseded is no damage, also by the entity’s other link', async (t) => {
  const world = await worlds.open(t);
  const [key] = world.ids;
  const { assessmentId } = world.business;
  const owner = world.database('assessments');
  const message = { version: 1, outcome: 'superseded' };
  const hash = await addInboxRow(world.database('bonuses'), { link: LINK, key, ...message });
  await addClosed(owner, { link: LINK, consumer: 'bonuses', key, hash });
  const again = { link: 'COMM-021', key: assessmentId };
  const other = await addInboxRow(world.database('hiring'), { ...again, ...message });
  await addClosed(owner, { ...again, consumer: 'hiring', hash: other });
  assert.deepEqual(await findIn(world), []);
});

test('an event that nothing caused is found', async (t) => {
  const world = await worlds.open(t);
  await carry(world, 'COMM-070', randomUUIDv7(), 1);
  assert.deepEqual(await findIn(world), [
    'doubled COMM-070 hiring: effects at hiring that nothing caused (1)',
  ]);
});

test('an older version that took effect after a newer one is found, also over two links', async (t) => {
  const world = await worlds.open(t);
  const { assessmentId, solutions } = world.business;
  const later = (service: string, link: string, key: string) => world.database(service)`
    update relink.inbox set received_at = now() + interval '1 minute'
    where link = ${link} and key = ${key} and version = 1`;
  await later('hiring', LINK, world.ids[1]);
  await later('hiring', 'COMM-020', assessmentId);
  await later('bonuses', 'COMM-040', solutions[0]!);
  assert.deepEqual(await findIn(world), [
    'reordered COMM-010 hiring: versions applied after newer ones at hiring (1)',
    'reordered COMM-020 hiring: versions applied after newer ones at hiring (1)',
    'reordered COMM-040 bonuses: versions applied after newer ones at bonuses (1)',
  ]);
  assert.deepEqual(await namedIn(world, 'reordered'), [
    `${world.ids[1]} v1`,
    `${assessmentId} v1`,
    `${solutions[0]} v1`,
  ]);
});

test('where the server keeps commit times, these and not the beginnings decide the order', async (t) => {
  const server = await privatePostgres(t, { track_commit_timestamp: 'on' });
  const ownWorlds = await makeWorlds(t, server.url);
  const world = await ownWorlds.open(t, { commits: true });
  assert.deepEqual(await findIn(world), []);
  const [, , key] = world.ids;
  const hiring = world.database('hiring');
  // Written again after the newer version, by a transaction that began before it.
  await hiring`delete from relink.inbox where link = ${LINK} and key = ${key} and version = 1`;
  const receivedAt = new Date(Date.now() - 60_000);
  await addInboxRow(hiring, { link: LINK, key, version: 1, receivedAt });
  const found = await findIn(world);
  assert.ok(
    found.includes('reordered COMM-010 hiring: versions applied after newer ones at hiring (1)'),
  );
});

test('contents that changed on the way are found by the sums', async (t) => {
  const world = await worlds.open(t);
  await world.database('finance')`
    update relink.inbox set hash = hash + 1
    where event_id = (select event_id from relink.inbox limit 1)`;
  assert.deepEqual(await findIn(world), [
    'changed COMM-080 finance: settled with other contents at finance (1)',
  ]);
});

test('open messages, dead letters and parked messages are found at every service', async (t) => {
  const world = await worlds.open(t);
  const [id] = world.ids;
  await world.database('hiring')`
    insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
    values ('COMM-040/bonuses', ${laneOf(id)}, ${id}, 1, 'SolutionCompleted', 0,
      ${randomUUIDv7()}, '')`;
  const finance = world.database('finance');
  await finance`
    insert into relink.dead_letters (id, event_id, link, lane, epoch, event, event_version, key,
      version, reason, detail, attempts, body, headers)
    values (${randomUUIDv7()}, ${randomUUIDv7()}, 'COMM-080', 1, 1, 'CreditToAccount', 0, ${id}, 1,
      'HANDLER_FAILED', '', 5, '', '{}')`;
  await finance`
    insert into relink.parked (event_id, link, key, version, delivery)
    values (${randomUUIDv7()}, 'COMM-080', ${id}, 1, '{}')`;
  assert.deepEqual(await findIn(world), [
    'leftover COMM-040 bonuses: the outbox is not empty (1)',
    'leftover COMM-080 finance: messages that finance gave up or parked (2)',
  ]);
});

test('what callers were told of managers and the owner does not have is found', async (t) => {
  const world = await worlds.open(t);
  const [first, second, third] = world.ids;
  world.told.managers.acknowledge(first, 2n, namesOf(2));
  world.told.managers.loseAnswer(second);
  await world.database('assessments')`
    update managers set last_name = 'Byron' where id = ${third}`;
  const { checks } = await judge(world);
  const told = checks[0]?.findings.map(({ damage, cases }) => `${damage} ${cases[0]?.what}`);
  assert.deepEqual(told, [`lost ${first}`, `changed ${third}`]);
});

test('a change that more versions than calls explain is found; a lost answer explains one', async (t) => {
  const world = await worlds.open(t);
  const [id] = world.ids;
  await world.database('assessments')`update managers set version = 2 where id = ${id}`;
  assert.deepEqual(await namedIn(world, 'doubled'), [`${id} v2`]);
  world.told.managers.loseAnswer(id);
  assert.deepEqual(await namedIn(world, 'doubled'), []);
});

test('delays run from the time in the message id to the effect', async (t) => {
  const world = await worlds.open(t);
  const hiring = world.database('hiring');
  const fromMs = Date.now();
  const late = { version: 9, receivedAt: new Date(fromMs + 2_000) };
  await addInboxRow(hiring, { link: LINK, key: world.ids[0], ...late });
  const delays = await readDelays(hiring, LINK, { fromMs, toMs: fromMs + 60_000 });
  assert.equal(delays.messages, 1);
  assert.ok(delays.maxMs > 1_000 && delays.maxMs <= 2_000, `${delays.maxMs} ms`);
  const none = await readDelays(hiring, LINK, { fromMs: fromMs + 60_000, toMs: fromMs + 90_000 });
  assert.deepEqual(none, { messages: 0, maxMs: 0, p99Ms: 0 });
});
