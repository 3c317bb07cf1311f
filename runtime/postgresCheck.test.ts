/** Databases that relink cannot run on are refused in one sentence that says what to change. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect as connectTcp, createServer } from 'node:net';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { makeRunDir } from '../dev/servers/folders.ts';
import { noPgbouncer, type PoolMode, startPgbouncer } from '../test/harness/pgbouncer.ts';
import { testDatabase, testPostgresUrl } from '../test/harness/postgres.ts';
import { withDefaults } from '../test/harness/roleDefaults.ts';
import { closePostgres, connectPostgres } from './postgres.ts';
import { requireSchema, requireServer, requireWritable, withPostgres } from './postgresCheck.ts';
import { isDatabaseUnavailable } from './postgresErrors.ts';
import { urlOfDatabase } from './postgresUrl.ts';

const { url } = await testDatabase({ after });

/** Uses the database as a process does at its start. */
const use = (at: string) =>
  withPostgres(at, { name: 'test' }, async (sql) => {
    await requireSchema(sql);
    const [row] = await sql<{ one: number }[]>`select 1 as one where ${'a'} = any(${['a']})`;
    return row!.one;
  });

function change(parts: Partial<URL>): string {
  return Object.assign(new URL(url), parts).href;
}

for (const [what, at, code, sentence] of [
  ['a wrong password', () => change({ password: 'no' }), 'REFUSED', /correct the user or the pass/],
  ['no such database', () => urlOfDatabase(url, 'none'), 'REFUSED', /create the database/],
  ['a closed port', () => change({ port: '1' }), 'UNREACHABLE', /127\.0\.0\.1:1 .*start it/],
  ['an unknown host', () => change({ hostname: 'no.invalid' }), 'UNREACHABLE', /no\.invalid/],
  ['no such socket', () => `${url}?host=/nowhere`, 'UNREACHABLE', /\/nowhere\/\.s\.PGSQL/],
  ['an unknown option', () => `${url}?pool=1`, 'REFUSED', /"pool".*take the option out/],
  ['TLS where there is none', () => `${url}?sslmode=require`, 'UNREACHABLE', /no TLS/],
  ['a search path of nothing', () => `${url}?search_path=none`, 'UNFIT', /search_path.*create one/],
] as [string, () => string, string, RegExp][])
  test(`${what} is refused in a sentence that names RELINK_POSTGRES_URL`, async () => {
    await assert.rejects(use(at()), {
      code: `POSTGRES_${code}`,
      message: new RegExp(`(?=.*RELINK_POSTGRES_URL).*${sentence.source}`),
    });
  });

test('hosts are tried in turn until one answers', async () => {
  const { port } = new URL(url);
  assert.equal(await use(url.replace(`127.0.0.1:${port}`, `127.0.0.1:1,127.0.0.1:${port}`)), 1);
});

test('TLS that may be left out is left out where there is none', async () => {
  assert.equal(await use(`${url}?sslmode=prefer`), 1);
});

test('a Unix socket is found by its folder, as host and as option', async (t) => {
  const dir = await socketTo(t, Number(new URL(url).port));
  const { username, password, pathname } = new URL(url);
  const login = `${username}:${password}`;
  assert.equal(await use(`postgres://${login}@/${pathname.slice(1)}?host=${dir}`), 1);
  assert.equal(await use(`postgres://${login}@${encodeURIComponent(dir)}${pathname}`), 1);
});

test('a database that takes no writes is refused at start, and is not ready and unavailable later', async (t) => {
  const own = await testDatabase(t);
  const sql = connectPostgres(own.url, { name: 'test', max: 1 });
  t.after(() => closePostgres(sql));
  await requireWritable(sql);
  await withDefaults(own.url, { default_transaction_read_only: 'on' });
  await assert.rejects(use(own.url), {
    code: 'POSTGRES_REFUSED',
    message: /takes no writes.*25006.*RELINK_POSTGRES_URL/,
  });
  await sql`set default_transaction_read_only = on`;
  await assert.rejects(requireWritable(sql), /takes no writes now/);
  await assert.rejects(sql`create table t ()`.then(), (error) => isDatabaseUnavailable(error));
});

test('a server older than 15 is refused in a sentence', () => {
  const encoding = 'UTF8';
  requireServer({ number: 150_000, version: '15.0', encoding });
  assert.throws(() => requireServer({ number: 140_024, version: '14.24', encoding }), {
    code: 'POSTGRES_UNFIT',
    message: /RELINK_POSTGRES_URL.*PostgreSQL 14\.24, and relink needs 15 or newer; use a newer/,
  });
});

test('another encoding than UTF8 is refused', async (t) => {
  const admin = await testPostgresUrl();
  const name = `test_latin_${process.pid}`;
  const sql = connectPostgres(admin, { name: 'test', max: 1 });
  t.after(async () => {
    await sql`drop database ${sql(name)}`;
    await closePostgres(sql);
  });
  await sql`create database ${sql(name)} template template0 encoding 'LATIN1'
    locale_provider libc locale 'C'`;
  await assert.rejects(use(urlOfDatabase(admin, name)), { message: /LATIN1.*encoding UTF8/ });
});

for (const [mode, sentence] of [
  ['transaction', /set pool_mode = session/],
  ['statement', /statement pooling mode|pool_mode = session/],
] as [PoolMode, RegExp][])
  test(`pgbouncer in ${mode} mode is refused`, { skip: noPgbouncer }, async (t) => {
    const pgbouncer = await startPgbouncer(url, mode);
    t.after(() => pgbouncer.stop());
    await assert.rejects(use(pgbouncer.through(url)), { message: sentence });
  });

test('pgbouncer in session mode with its default settings works', {
  skip: noPgbouncer,
}, async (t) => {
  const own = await testDatabase(t);
  await withDefaults(own.url, { default_transaction_isolation: 'serializable' });
  const pgbouncer = await startPgbouncer(own.url, 'session');
  t.after(() => pgbouncer.stop());
  const at = pgbouncer.through(own.url);
  assert.equal(await use(at), 1);
  const sql = connectPostgres(at, { name: 'test' });
  const [row] = await sql`select current_setting('transaction_isolation') as level`;
  assert.equal(row!.level, 'read committed');
  await closePostgres(sql);
});

/** A Unix socket in a new folder that leads to the port. */
async function socketTo(t: TestContext, port: number): Promise<string> {
  const dir = await makeRunDir('socket');
  const server = createServer((from) => {
    const to = connectTcp(port, '127.0.0.1');
    from.pipe(to).pipe(from);
  });
  server.listen(join(dir, '.s.PGSQL.5432'));
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    await rm(dir, { recursive: true, force: true });
  });
  return dir;
}
