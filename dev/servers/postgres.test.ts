import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createDatabase, withAdmin } from './databases.ts';
import { makeRunDir } from './folders.ts';
import {
  copyPostgresData,
  type PostgresServer,
  removePostgresData,
  startPostgres,
} from './postgres.ts';

/** The server of a test, stopped before its folder is removed. */
const running = new WeakMap<TestContext, PostgresServer>();

async function startIn(t: TestContext, dir: string): Promise<PostgresServer> {
  const server = await startPostgres({ dir });
  running.set(t, server);
  return server;
}

async function makeDir(t: TestContext): Promise<string> {
  const dir = await makeRunDir('postgres');
  t.after(async () => {
    await running.get(t)?.stop();
    await removePostgresData(dir);
  });
  return dir;
}

test('the server is durable, takes many connections, keeps data over stop and kill, and can be copied', async (t) => {
  const dir = await makeDir(t);
  const server = await startIn(t, dir);
  const url = await createDatabase(server.url, 'hiring');
  await withAdmin(url, async (sql) => {
    const [row] = await sql`
      select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
             current_setting('max_connections')::int as connections, version()`;
    assert.deepEqual([row?.fsync, row?.commit, row?.connections], ['on', 'on', 300]);
    assert.match(row?.version, /^PostgreSQL 18\./);
    await sql`create table kept as select 1 as id`;
  });
  const { port } = server;
  await server.kill();
  await server.start();
  await server.stop();
  await server.stop();
  await server.start();
  assert.equal(server.port, port);
  assert.equal((await withAdmin(url, (sql) => sql`select * from kept`)).length, 1);
  await server.stop();
  const copy = await makeDir(t);
  await copyPostgresData(dir, copy);
  const other = await startIn(t, copy);
  assert.equal(
    (await withAdmin(other.urlOf('hiring'), (sql) => sql`select * from kept`)).length,
    1,
  );
});

test('a pid file left by a crash does not matter, even when the pid is another program now', async (t) => {
  const dir = await makeDir(t);
  const server = await startIn(t, dir);
  await server.kill();
  const pidFile = join(server.dataDir, 'postmaster.pid');
  const lines = (await readFile(pidFile, 'utf8')).split('\n');
  await writeFile(pidFile, [process.pid, ...lines.slice(1)].join('\n'));
  await server.start();
  assert.equal((await withAdmin(server.url, (sql) => sql`select 1`)).length, 1);
});

test('while a server uses the data, it is not removed and no second server starts', async (t) => {
  const dir = await makeDir(t);
  const server = await startIn(t, dir);
  const inUse = { code: 'data_in_use', message: new RegExp(`pid ${server.pid}`) };
  await Promise.all([
    assert.rejects(removePostgresData(dir), inUse),
    assert.rejects(startPostgres({ dir }), inUse),
  ]);
  assert.equal((await withAdmin(server.url, (sql) => sql`select 1`)).length, 1);
});

test('a taken port is an error that names it', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => {
    taken.close();
  });
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  await assert.rejects(startPostgres({ dir: await makeDir(t), port }), {
    code: 'port_taken',
    message: new RegExp(`port ${port} for PostgreSQL is in use`),
  });
});

test('a folder with something else in it is left alone', async (t) => {
  const dir = await makeDir(t);
  await mkdir(join(dir, 'data'));
  await writeFile(join(dir, 'data', 'thesis.txt'), 'precious');
  await assert.rejects(startPostgres({ dir }), { code: 'data_unusable' });
  assert.equal(await readFile(join(dir, 'data', 'thesis.txt'), 'utf8'), 'precious');
});

test('as root, a project that the server cannot enter has its data elsewhere', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root runs the server as another user');
  const dir = await makeDir(t);
  await chmod(dir, 0o700);
  const server = await startIn(t, dir);
  assert.ok(server.dataDir.startsWith('/var/lib/relink/'));
  assert.match(await readFile(join(dir, 'WHERE.txt'), 'utf8'), /\/var\/lib\/relink\//);
});
