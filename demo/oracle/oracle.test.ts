import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, test } from 'node:test';
import { laneOf } from '../../link/link.ts';
import { privatePostgres } from '../../test/harness/postgres.ts';
import { type Company, makeCompanies, namesOf } from './company.fixture.ts';
import type { Damage } from './findings.ts';
import { readDelays } from './linkTables.ts';
import { addClosed, addInboxRow, carry } from './messages.fixture.ts';
import { judge } from './oracle.ts';

const LINK = 'COMM-010';
const companies = await makeCompanies({ after });

/** Every finding as `damage link consumer: sentence (cases)`. */
async function findIn(company: Company): Promise<string[]> {
  const { findings, holds } = await judge(company);
  assert.equal(holds, findings.length === 0);
  return findings.map(({ damage, link, consumer, sentence, cases }) => {
    const count = cases.reduce((sum, one) => sum + one.count, 0);
    const where = link === '' ? '' : ` ${link} ${consumer}`;
    return `${damage}${where}: ${sentence} (${count})`;
  });
}

async function namedIn(company: Company, wanted: Damage): Promise<string[]> {
  const { findings } = await judge(company);
  return findings
    .filter(({ damage }) => damage === wanted)
    .flatMap(({ cases }) => cases.map(({ what, version }) => `${what} v${version}`));
}

test('a company whose databases agree passes every check', async (t) => {
  const { checks, findings, money } = await judge(await companies.open(t));
  assert.deepEqual(findings, []);
  assert.deepEqual(
    checks.map(({ claim }) => claim),
    [
      '6 acknowledged manager changes stored',
      '1 acknowledged assessment changes stored, 1 exercises made harder once',
      '2 candidates have exactly their unsolved exercises left',
      '2 assignments are stored at management and at hiring',
      '13 solutions are stored as submitted, 1 of them revoked',
      '1 ratings follow from their results',
      '1 promoted candidates are teachers',
      '12 accepted solutions are credited, 1 revoked ones debited',
      '13 bookings use a rating that hiring had',
      "1 authors' balances are correct, and the ledger sums to zero",
      '13 transfers at finance match the bookings',
      '3 managers are equal in assessments and hiring',
      '3 managers are equal in assessments and bonuses',
      '1 assessments are equal in assessments and hiring',
      '2 candidates are equal in hiring and management',
      '1 ratings are equal in hiring and bonuses',
      'COMM-010: 6 messages once and in order at hiring (1 epoch), bonuses (1 epoch)',
      'COMM-020: 1 messages once and in order at hiring (1 epoch)',
      'COMM-021: 1 messages once and in order at hiring (1 epoch)',
      'COMM-030: 6 messages once and in order at management (1 epoch)',
      'COMM-040: 13 messages once and in order at bonuses (1 epoch)',
      'COMM-050: 1 messages once and in order at assessments (1 epoch)',
      'COMM-060: 14 messages once and in order at bonuses (1 epoch)',
      'COMM-070: 2 messages once and in order at hiring (1 epoch)',
      'COMM-080: 13 messages once and in order at finance (1 epoch)',
      'no message is open, parked or dead at any of 5 services',
    ],
  );
  assert.deepEqual([money.credits, money.debits, money.transfers], [12, 1, 13]);
  assert.deepEqual([money.owed_minor, money.ledger_sum_minor], [money.paid_minor, 0]);
});

test('a message that was closed without its inbox row is found and named', async (t) => {
  const company = await companies.open(t);
  const [, second] = company.ids;
  await company.database('hiring')`
    delete from relink.inbox where key = ${second} and link = ${LINK} and version = 2`;
  assert.deepEqual(await findIn(company), [
    'lost COMM-010 hiring: messages that never took effect at hiring (1)',
    'lost COMM-010 hiring: closed without an inbox row at hiring (1)',
  ]);
  assert.deepEqual(await namedIn(company, 'lost'), [
    `${second} v2`,
    `lane ${laneOf(second)} epoch 1 v0`,
  ]);
});

test('a replica row that is missing, outdated, different or unowned is found', async (t) => {
  const company = await companies.open(t);
  const [hiring, bonuses] = [company.database('hiring'), company.database('bonuses')];
  await bonuses`delete from manager_replicas where id = ${company.ids[0]}`;
  await bonuses`update manager_replicas set version = 2 where id = ${company.ids[1]}`;
  await hiring`update manager_replicas set last_name = 'Byron' where id = ${company.ids[2]}`;
  await hiring`insert into manager_replicas values (${randomUUIDv7()}, 1, 'No', 'Body')`;
  await company.database('management')`update candidate_replicas set name = 'X'`;
  await hiring`update assessment_replicas set exercises = '[]'`;
  assert.deepEqual(await findIn(company), [
    'changed COMM-010 hiring: managers that differ at hiring (1)',
    'doubled COMM-010 hiring: managers at hiring unknown to their owner (1)',
    'lost COMM-010 bonuses: managers missing or outdated at bonuses (2)',
    'changed COMM-021 hiring: assessments that differ at hiring (1)',
    'changed COMM-030 management: candidates that differ at management (2)',
  ]);
});

test('names of managers are compared until the link carries their nickname alone', async (t) => {
  const company = await companies.open(t);
  const [owner, hiring] = [company.database('assessments'), company.database('hiring')];
  await hiring`update manager_replicas set first_name = null, last_name = null where version = 1`;
  const differ = 'changed COMM-010 hiring: managers that differ at hiring (1)';
  assert.deepEqual(await findIn(company), [differ]);
  await owner`insert into relink.routes (leg, lane, transport, version, epoch, adopted_transport,
    adopted_version, adopted_epoch) values ('COMM-010/hiring', 0, 'sync', 1, 1, 'sync', 1, 1)`;
  await hiring`alter table manager_replicas drop first_name, drop last_name`;
  assert.deepEqual(await findIn(company), []);
  await hiring`update manager_replicas set nickname = 'ada' where version = 3`;
  assert.deepEqual(await findIn(company), [differ]);
});

test('a manager’s name at another service is found once the replicas have given up theirs', async (t) => {
  const company = await companies.open(t);
  const owner = company.database('assessments');
  await owner`update managers set last_name = 'Noether 271828' where version = 1`;
  for (const consumer of ['hiring', 'bonuses']) {
    await owner`insert into relink.routes (leg, lane, transport, version, epoch, adopted_transport,
      adopted_version, adopted_epoch) values (${`COMM-010/${consumer}`}, 0, 'sync', 1, 1, 'sync', 1, 1)`;
    await company.database(consumer)`alter table manager_replicas drop first_name, drop last_name`;
  }
  const found = async () => (await findIn(company)).filter((one) => one.startsWith('leftover'));
  assert.deepEqual(await found(), []);
  const management = company.database('management');
  await management`update assignments set assigned_by = 'Emmy Noether 271828 asked'
    where id = (select min(id::text)::uuid from assignments)`;
  assert.deepEqual(await found(), [
    'leftover COMM-010 management: rows of management that name a manager (1)',
  ]);
});

test('an effect that happened twice is found, also when both were closed', async (t) => {
  const company = await companies.open(t);
  const [, , key] = company.ids;
  const hash = await addInboxRow(company.database('hiring'), { link: LINK, key, version: 2 });
  assert.deepEqual(await findIn(company), [
    'doubled COMM-010 hiring: versions that took effect twice at hiring (1)',
    'doubled COMM-010 hiring: settled more often than closed at hiring (1)',
  ]);
  await addClosed(company.database('assessments'), { link: LINK, consumer: 'hiring', key, hash });
  assert.deepEqual(await findIn(company), [
    'doubled COMM-010 hiring: versions that took effect twice at hiring (1)',
  ]);
});

test('a repeated message that was superseded is no damage, also by the entity’s other link', async (t) => {
  const company = await companies.open(t);
  const [key] = company.ids;
  const { assessmentId } = company.business;
  const owner = company.database('assessments');
  const message = { version: 1, outcome: 'superseded' };
  const hash = await addInboxRow(company.database('bonuses'), { link: LINK, key, ...message });
  await addClosed(owner, { link: LINK, consumer: 'bonuses', key, hash });
  const again = { link: 'COMM-021', key: assessmentId };
  const other = await addInboxRow(company.database('hiring'), { ...again, ...message });
  await addClosed(owner, { ...again, consumer: 'hiring', hash: other });
  assert.deepEqual(await findIn(company), []);
});

test('an event without a cause is found', async (t) => {
  const company = await companies.open(t);
  await carry(company, 'COMM-070', randomUUIDv7(), 1);
  assert.deepEqual(await findIn(company), [
    'doubled COMM-070 hiring: effects at hiring without a cause (1)',
  ]);
});

test('an older version that took effect after a newer one is found, also over two links', async (t) => {
  const company = await companies.open(t);
  const { assessmentId, solutions } = company.business;
  const later = (service: string, link: string, key: string) => company.database(service)`
    update relink.inbox set received_at = now() + interval '1 minute'
    where link = ${link} and key = ${key} and version = 1`;
  await later('hiring', LINK, company.ids[1]);
  await later('hiring', 'COMM-020', assessmentId);
  await later('bonuses', 'COMM-040', solutions[0]!);
  assert.deepEqual(await findIn(company), [
    'reordered COMM-010 hiring: versions applied after newer ones at hiring (1)',
    'reordered COMM-020 hiring: versions applied after newer ones at hiring (1)',
    'reordered COMM-040 bonuses: versions applied after newer ones at bonuses (1)',
  ]);
  assert.deepEqual(await namedIn(company, 'reordered'), [
    `${company.ids[1]} v1`,
    `${assessmentId} v1`,
    `${solutions[0]} v1`,
  ]);
});

test('where the server keeps commit times, they decide the order and not the starts of transactions', async (t) => {
  const server = await privatePostgres(t, { track_commit_timestamp: 'on' });
  const ownCompanies = await makeCompanies(t, server.url);
  const company = await ownCompanies.open(t, { commits: true });
  assert.deepEqual(await findIn(company), []);
  const [, , key] = company.ids;
  const hiring = company.database('hiring');
  // Written again after the newer version, by a transaction that began before it.
  await hiring`delete from relink.inbox where link = ${LINK} and key = ${key} and version = 1`;
  const receivedAt = new Date(Date.now() - 60_000);
  await addInboxRow(hiring, { link: LINK, key, version: 1, receivedAt });
  const found = await findIn(company);
  assert.ok(
    found.includes('reordered COMM-010 hiring: versions applied after newer ones at hiring (1)'),
  );
});

test('contents that changed on the way are found by their hash sums', async (t) => {
  const company = await companies.open(t);
  await company.database('finance')`
    update relink.inbox set hash = hash + 1
    where event_id = (select event_id from relink.inbox limit 1)`;
  assert.deepEqual(await findIn(company), [
    'changed COMM-080 finance: settled with different contents at finance (1)',
  ]);
});

test('open messages, dead letters and parked messages are found at every service', async (t) => {
  const company = await companies.open(t);
  const [id] = company.ids;
  await company.database('hiring')`
    insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
    values ('COMM-040/bonuses', ${laneOf(id)}, ${id}, 1, 'SolutionCompleted', 0,
      ${randomUUIDv7()}, '')`;
  const finance = company.database('finance');
  await finance`
    insert into relink.dead_letters (id, event_id, link, lane, epoch, event, event_version, key,
      version, reason, detail, attempts, body, headers)
    values (${randomUUIDv7()}, ${randomUUIDv7()}, 'COMM-080', 1, 1, 'CreditToAccount', 0, ${id}, 1,
      'HANDLER_FAILED', '', 5, '', '{}')`;
  await finance`
    insert into relink.parked (event_id, link, key, version, delivery)
    values (${randomUUIDv7()}, 'COMM-080', ${id}, 1, '{}')`;
  assert.deepEqual(await findIn(company), [
    'leftover COMM-040 bonuses: the outbox is not empty (1)',
    'leftover COMM-080 finance: dead or parked messages at finance (2)',
  ]);
});

test('an acknowledged manager that the owner lacks or has differently is found', async (t) => {
  const company = await companies.open(t);
  const [first, second, third] = company.ids;
  company.history.managers.acknowledge(first, 2n, namesOf(2));
  company.history.managers.recordUnknown(second);
  await company.database('assessments')`
    update managers set last_name = 'Byron' where id = ${third}`;
  const { checks } = await judge(company);
  const history = checks[0]?.findings.map(({ damage, cases }) => `${damage} ${cases[0]?.what}`);
  assert.deepEqual(history, [`lost ${first}`, `changed ${third}`]);
});

test('a version that no call explains is found; a lost answer explains one', async (t) => {
  const company = await companies.open(t);
  const [id] = company.ids;
  await company.database('assessments')`update managers set version = 2 where id = ${id}`;
  assert.deepEqual(await namedIn(company, 'doubled'), [`${id} v2`]);
  company.history.managers.recordUnknown(id);
  assert.deepEqual(await namedIn(company, 'doubled'), []);
});

test('delays run from the time in the message id to the effect', async (t) => {
  const company = await companies.open(t);
  const hiring = company.database('hiring');
  const fromMs = Date.now();
  const late = { version: 9, receivedAt: new Date(fromMs + 2_000) };
  await addInboxRow(hiring, { link: LINK, key: company.ids[0], ...late });
  const delays = await readDelays(hiring, LINK, { fromMs, toMs: fromMs + 60_000 });
  assert.equal(delays.messages, 1);
  assert.ok(delays.maxMs > 1_000 && delays.maxMs <= 2_000, `${delays.maxMs} ms`);
  const none = await readDelays(hiring, LINK, { fromMs: fromMs + 60_000, toMs: fromMs + 90_000 });
  assert.deepEqual(none, { messages: 0, maxMs: 0, p99Ms: 0 });
});
