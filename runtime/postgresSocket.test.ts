import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  closePostgres,
  connectPostgres,
  isConnectionLost,
  isDatabaseUnavailable,
} from './postgres.ts';
import { startTestPostgres, type TestServer, until } from './testing.ts';
import { pause } from './wake.ts';

const ROUNDS = 100;
const ROUND_MS = 25;
/** A connection attempt ends after ten seconds: a query still open after this will never settle. */
const SETTLED_WITHIN_MS = 60_000;
/** One that never starts is given up after ten seconds. */
const STARTED_WITHIN_MS = 8_000;

let server: TestServer;
before(async () => {
  server = await startTestPostgres();
});
after(() => server.stop());

test('every query settles however often its connection is cut', async () => {
  const sql = connectPostgres(server.url, { name: 'victim' });
  const admin = connectPostgres(server.url, { name: 'admin', max: 1 });
  let isCutting = true;
  let settled = 0;
  const ask = async (query: () => Promise<unknown>) => {
    while (isCutting) {
      await query().catch(() => undefined);
      settled += 1;
    }
  };
  const asking = Array.from({ length: 3 }, () => [
    ask(() => sql`select ${1}::int4`),
    ask(() => sql`select ${'a'}::text`),
    ask(() => sql.begin((tx) => tx`select ${2}::int4`)),
  ]).flat();
  for (let round = 0; round < ROUNDS; round++) {
    await admin`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'victim'`;
    await pause(ROUND_MS);
  }
  isCutting = false;
  let isDone = false;
  const done = Promise.all(asking).then(() => {
    isDone = true;
  });
  await until('every query settles', () => isDone, SETTLED_WITHIN_MS);
  await done;
  assert.ok(settled > ROUNDS);
  await Promise.all([closePostgres(sql), closePostgres(admin)]);
});

test('what was about to be written to a connection that ends keeps no other from starting', async () => {
  const sql = connectPostgres(server.url, { name: 'written', max: 1 });
  const admin = connectPostgres(server.url, { name: 'admin', max: 1 });
  let [isCutting, longestMs] = [true, 0];
  // Queries of every phase of the event loop, so that one is always about to be written.
  const ask = async (next: (run: () => void) => unknown) => {
    while (isCutting) {
      const sinceMs = performance.now();
      await sql`select 1`.catch(() => undefined);
      longestMs = Math.max(longestMs, performance.now() - sinceMs);
      await new Promise<void>((resolve) => next(resolve));
    }
  };
  const asking = [setImmediate, process.nextTick, (run: () => void) => setTimeout(run, 0)].map(ask);
  for (let round = 0; round < ROUNDS; round++) {
    await admin`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'written'`;
    await pause(ROUND_MS);
  }
  isCutting = false;
  await Promise.all(asking);
  assert.ok(longestMs < STARTED_WITHIN_MS, `${longestMs} ms`);
  await Promise.all([closePostgres(sql), closePostgres(admin)]);
});

test('a query that a half-open connection never answers rejects, and the next one is answered', async () => {
  const sql = connectPostgres(server.url, { name: 'silent', max: 1, statementTimeoutMs: 200 });
  const [backend] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  process.kill(backend!.pid, 'SIGSTOP');
  await assert.rejects(
    sql`select 1`,
    (error) => isConnectionLost(error) && isDatabaseUnavailable(error),
  );
  const [row] = await sql`select 2 as two`;
  assert.equal(row!.two, 2);
  process.kill(backend!.pid, 'SIGCONT');
  await closePostgres(sql);
});

test('a transaction that nobody asks anything for longer than that keeps its connection', async () => {
  const sql = connectPostgres(server.url, { name: 'idle', max: 1, statementTimeoutMs: 200 });
  await sql.begin(async (tx) => {
    await Promise.all([tx`select 1`, tx`select 2`]);
    await pause(2_500);
    assert.equal((await tx`select 3 as three`)[0]!.three, 3);
  });
  await closePostgres(sql);
});
