import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { until } from '../../test/harness/until.ts';
import { findTraces } from './findTraces.ts';
import { hashPhrase, wordsOf } from './phrases.ts';
import { replacePhrases } from './replacePhrases.ts';

const SALT = 'a salt of this search';
const ALIAS = 'calm-otter-3f9a02c1d4';
const HASH = hashPhrase(SALT, wordsOf('Ada Lovelace'));
const freeText = [{ table: 'notes', column: 'note' }];
const replacing = { salt: SALT, longest: 4, aliases: new Map([[HASH, ALIAS]]), freeText };
const sought = { salt: SALT, hashes: new Set([HASH]), longest: 4 };
const NOTHING_KNOWN = { fields: [], owned: [], people: [] };

/** A service's database with 1,200 notes, every other of which names Ada. */
async function database() {
  const fill = (url: string) => applyExpand(url, ['link']);
  const { url } = await testDatabase({ after }, { name: 'link', fill });
  const sql = connectPostgres(url, { name: 'replacing', max: 3 });
  after(() => closePostgres(sql));
  await sql.unsafe(`create table notes (id int primary key, note text);
    insert into notes select n, case n % 2 when 0 then 'by ADA  lovelace: ' || n else 'by Adam' end
    from generate_series(1, 1200) n; analyze notes`);
  return { url, sql };
}

const { sql } = await database();
const named = async (one = sql) => (await findTraces(one, sought, NOTHING_KNOWN)).traces;

async function bury(state: string): Promise<void> {
  await sql`insert into relink.dead_letters (id, event_id, link, lane, epoch, event, event_version,
      key, version, reason, detail, attempts, state, body, headers)
    values (${randomUUID()}, ${randomUUID()}, 'COMM-070', 0, 1, 'AssessmentAssigned', 0, 'a', 1,
      'HANDLER_FAILED', 'of Ada Lovelace', 1, ${state}, '{"assigned_by":"Ada Lovelace"}',
      '{"Said-By": "Ada Lovelace", "traceparent": "00-1"}')`;
}

test('free text and what ended gets aliases, what is open stays, and again changes nothing', async () => {
  for (const state of ['dead', 'redriven', 'discarded']) await bury(state);
  await sql`insert into relink.attempts (event_id, link, count, detail)
    values (${randomUUID()}, 'COMM-070', 1, 'Ada Lovelace')`;
  await sql`insert into relink.history (leg, event_id, lane, key, version, event, event_version, body,
      created_at, epoch, hash, hashed_version)
    values ('COMM-070/hiring', ${randomUUID()}, 0, 'a', 1, 'AssessmentAssigned', 0,
      '{"assigned_by":"Ada Lovelace"}', now(), 1, 1, 0)`;
  assert.deepEqual(Object.fromEntries(await replacePhrases(sql, replacing)), {
    'relink.dead_letters.body': 2,
    'relink.dead_letters.detail': 2,
    'relink.dead_letters.headers': 2,
    'relink.attempts.detail': 1,
    'relink.history.body': 1,
    'public.notes.note': 600,
  });
  const notes = await sql`select note from notes where id in (2, 3) order by id`;
  assert.deepEqual(
    notes.map(({ note }) => note),
    [`by ${ALIAS}: 2`, 'by Adam'],
  );
  const open = ['body', 'detail', 'headers'].map((column) => `relink.dead_letters.${column}`);
  assert.deepEqual([...(await named()).keys()].sort(), open);
  await sql`delete from relink.dead_letters where state = 'dead'`;
  assert.deepEqual([...(await replacePhrases(sql, replacing))], []);
  assert.deepEqual([...(await named())], [], 'not even in samples of the planner');
});

test('rows are changed page by page, whatever their number', async () => {
  const { sql } = await database();
  await sql.unsafe(`insert into notes select n, 'by Ada Lovelace' from generate_series(1201, 2600) n;
    create table updates (n int);
    create function count_update() returns trigger language plpgsql as
      'begin insert into updates values (1); return null; end';
    create trigger counted after update on notes for each statement execute function count_update()`);
  assert.deepEqual([...(await replacePhrases(sql, replacing))], [['public.notes.note', 2000]]);
  const [{ count } = { count: 0 }] = await sql<
    { count: number }[]
  >`select count(*)::int from updates`;
  assert.ok(count <= 6, `${count} statements for 6 pages`);
});

test('a text that changes meanwhile is read again, and nothing of it is lost', async () => {
  await sql`update notes set note = 'Ada Lovelace' where id in (1, 700)`;
  const changing = await sql.reserve();
  after(() => changing.release());
  await changing`begin`;
  await changing`update notes set note = 'Ada Lovelace, then Emmy' where id = 700`;
  const running = replacePhrases(sql, replacing);
  await until(isWaiting, { what: 'the old text is read, and its row is locked' });
  await changing`commit`;
  assert.deepEqual([...(await running)], [['public.notes.note', 2]]);
  const [row] = await sql`select note from notes where id = 700`;
  assert.equal(row!.note, `${ALIAS}, then Emmy`);
});

async function isWaiting(): Promise<boolean> {
  const rows = await sql`select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  return rows.length > 0;
}

test('killed between two pages it is only unfinished, and the next call ends it', async () => {
  const { url, sql } = await database();
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import { armFailpoints } from ${at('../../runtime/failpoints.ts')};
    import { connectPostgres } from ${at('../../runtime/postgres.ts')};
    import { replacePhrases } from ${at('./replacePhrases.ts')};
    armFailpoints('erasing.between-pages=kill@2');
    await replacePhrases(connectPostgres(${JSON.stringify(url)}, { name: 'dying' }), {
      salt: ${JSON.stringify(SALT)}, longest: 4, freeText: ${JSON.stringify(freeText)},
      aliases: new Map([[${JSON.stringify(HASH)}, ${JSON.stringify(ALIAS)}]]) });`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  assert.equal(child.signal, 'SIGKILL', child.stderr.toString());
  assert.equal((await named(sql)).get('public.notes.note'), 100);
  assert.deepEqual([...(await replacePhrases(sql, replacing))], [['public.notes.note', 100]]);
  assert.deepEqual([...(await named(sql))], []);
});

test('what the planner has sampled goes, also of a table that is empty by now', async () => {
  const { sql } = await database();
  await sql.unsafe(`create table "of Old.s" ("a Text" varchar(90) collate "C" unique);
    alter table "of Old.s" alter "a Text" set statistics 1000;
    insert into "of Old.s" select 'Ada Lovelace ' || n from generate_series(1, 9) n;
    analyze "of Old.s"; truncate "of Old.s"; truncate notes`);
  const shape = () => sql`select atttypid, atttypmod, attcollation, attnotnull, attstattarget
    from pg_attribute where attname = 'a Text'`;
  const before = await shape();
  const samples = ['pg_stats.public.of Old.s.a Text', 'pg_stats.public.notes.note'];
  assert.deepEqual([...(await named(sql)).keys()].sort(), samples.sort());
  await replacePhrases(sql, replacing);
  assert.deepEqual([...(await named(sql))], []);
  assert.deepEqual(await shape(), before);
});

test('a declared column that cannot be changed is named', async () => {
  await assert.rejects(
    replacePhrases(sql, { ...replacing, freeText: [{ table: 'notes', column: 'text' }] }),
    { code: 'NOT_MOVABLE', message: /^free text notes\.text cannot be changed/ },
  );
});
