import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { managerCreated, registerManager } from '../../services/assessments/domain/manager.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { enqueue } from '../outbox/enqueue.ts';
import { prepareRoutes } from '../relay/routes.ts';
import { releasedAs } from '../release.ts';
import { ERASED, eraseFields } from './eraseFields.ts';

const fill = (url: string) => applyExpand(url, ['link']);
const { url } = await testDatabase({ after }, { name: 'link', fill });
const sql = connectPostgres(url, { name: 'erasing' });
after(() => closePostgres(sql));

const link = links['COMM-010'];
const older = releasedAs(link, { reads: 1, writes: 0 }) as typeof link;
const NAMES = { firstName: 'Ada', lastName: 'Lovelace' };

beforeEach(
  () =>
    sql`truncate relink.outbox, relink.dead_letters, relink.attempts, relink.history, relink.routes`,
);

/** Writes a message that holds the names; answers its text. */
async function enqueueNamed(): Promise<string> {
  const manager = registerManager(randomUUID(), NAMES, new Date());
  await sql.begin((tx) => enqueue(tx, older, [managerCreated(manager)]));
  const [row] = await sql<{ body: string }[]>`select body from relink.outbox limit 1`;
  return row!.body;
}

async function bodyWithNames(): Promise<string> {
  const body = await enqueueNamed();
  await sql`truncate relink.outbox`;
  return body;
}

async function bury(body: string, state = 'discarded', eventVersion = 0): Promise<string> {
  const id = randomUUID();
  await sql`insert into relink.dead_letters (id, event_id, link, lane, epoch, event, event_version,
      key, version, reason, detail, attempts, state, body, headers)
    values (${id}, ${randomUUID()}, ${link.id}, 0, 1, 'ManagerCreated', ${eventVersion}, 'a', 1,
      'HANDLER_FAILED', 'it was about Ada Lovelace', 1, ${state}, ${body},
      '{"Said-By": "Ada Lovelace"}')`;
  return id;
}

const lettersNow = () => sql<{ body: string; detail: string; version: number }[]>`
  select body, detail, headers, event_version as version from relink.dead_letters order by id`;

test('ended dead letters are kept in the newer version, or without a body when they fit none', async () => {
  const body = await bodyWithNames();
  await bury(body);
  await bury(body, 'redriven');
  await bury(body.replace('"first_name":"Ada"', '"first_name":""'));
  await bury('{"first_name":"Ada"');
  await sql`insert into relink.attempts (event_id, link, count, detail)
    values (${randomUUID()}, ${link.id}, 1, 'Ada'), (${randomUUID()}, 'COMM-020', 1, 'theirs')`;
  const { changed, left } = await eraseFields(sql, link, 1);
  assert.deepEqual(left, { outbox: 0, parked: 0, history: 0, dead_letters: 0 });
  assert.deepEqual(changed, { dead_letters: 4, history: 0, attempts: 1, shadow_results: 0 });
  const letters = await lettersNow();
  assert.doesNotMatch(JSON.stringify(letters), /Ada|Lovelace/);
  assert.deepEqual(
    letters.map(({ version, detail, body }) => [version, detail, body !== '']).sort(),
    [
      [0, ERASED, false],
      [0, ERASED, false],
      [1, ERASED, true],
      [1, ERASED, true],
    ],
  );
  const [{ nickname } = { nickname: '' }] = letters
    .filter((one) => one.body !== '')
    .map((one) => JSON.parse(one.body).payload);
  assert.match(nickname, /^[a-z]+-[a-z]+-/);
  const again = await eraseFields(sql, link, 1);
  assert.deepEqual(again.changed, { dead_letters: 0, history: 0, attempts: 0, shadow_results: 0 });
  const [theirs] = await sql`select detail from relink.attempts where link = 'COMM-020'`;
  assert.equal(theirs!.detail, 'theirs');
});

test('what is open stands against it and is named, and nothing is quoted', async () => {
  const body = await enqueueNamed();
  await assert.rejects(eraseFields(sql, link, 1), {
    code: 'NOT_MOVABLE',
    message: /^2 messages of COMM-010 are in relink\.outbox in versions before v1; wait/,
  });
  await sql`truncate relink.outbox`;
  const id = await bury(body, 'dead');
  await assert.rejects(eraseFields(sql, link, 1), {
    code: 'NOT_MOVABLE',
    message: `dead letter ${id} of COMM-010 holds what v1 lacks, or fits no contract; redrive or discard it`,
  });
});

test('a version that the link has not got is refused by its name', async () => {
  await bury(await bodyWithNames());
  for (const [build, version, newest] of [
    [link, 1_000, 1],
    [releasedAs(link, { reads: 0, writes: 0 }), 1, 0],
  ] as const)
    await assert.rejects(eraseFields(sql, build, version), {
      code: 'NOT_MOVABLE',
      message: `this build reads no v${version} of COMM-010, its newest is v${newest}; nothing was erased`,
    });
  assert.match((await lettersNow())[0]!.body, /Lovelace/);
});

test('what a lane of any leg carries, or is to carry, is not erased', async () => {
  await prepareRoutes(sql, [link]);
  await sql`insert into relink.history (leg, event_id, lane, key, version, event, event_version, body,
      created_at, epoch, hash, hashed_version)
    values ('COMM-010/hiring', ${randomUUID()}, 0, 'a', 1, 'ManagerCreated', 0, '{}', now(), 1, 1, 0)`;
  const refused = (leg: string) => ({
    code: 'NOT_MOVABLE',
    message: `${leg} has lanes at v0, which v1 would erase; move the whole link to v1 first`,
  });
  await sql`update relink.routes set version = 1, adopted_version = 1 where leg = 'COMM-010/hiring'`;
  await assert.rejects(eraseFields(sql, link, 1), refused('COMM-010/bonuses'));
  await sql`update relink.routes set version = 1, adopted_version = 1`;
  for (const change of [sql`version = 0`, sql`adopted_version = 0`]) {
    await sql`update relink.routes set ${change} where leg = 'COMM-010/hiring' and lane = 3`;
    await assert.rejects(eraseFields(sql, link, 1), refused('COMM-010/hiring'));
    await sql`update relink.routes set version = 1, adopted_version = 1`;
  }
  assert.equal((await sql`select from relink.history`).length, 1);
  const { changed } = await eraseFields(sql, link, 1);
  assert.equal(changed.history, 1);
});

test('the planner keeps no samples of what was erased', async () => {
  await sql`alter table relink.dead_letters alter body set statistics 1000`;
  for (const body of [await bodyWithNames(), await bodyWithNames()]) await bury(body);
  await sql`analyze relink.dead_letters`;
  const samples = () => sql`select most_common_vals::text, histogram_bounds::text from pg_stats
    where schemaname = 'relink'`;
  assert.match(JSON.stringify(await samples()), /Lovelace/);
  await eraseFields(sql, link, 1);
  assert.doesNotMatch(JSON.stringify(await samples()), /Lovelace/);
});
