/** Sessions are the same whatever the role, the database or the server sets by default. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pgTable, timestamp } from 'drizzle-orm/pg-core';
import { testDatabase } from '../test/harness/postgres.ts';
import { withDefaults } from '../test/harness/roleDefaults.ts';
import { drizzle } from './drizzle.ts';
import { closePostgres, connectPostgres, type PostgresOptions } from './postgres.ts';

const AT = new Date('2026-03-04T12:00:00.123Z');
const times = pgTable('times', { at: timestamp({ withTimezone: true }).notNull() });

async function open(
  t: TestContext,
  defaults: Record<string, string>,
  options: Partial<PostgresOptions> = {},
) {
  const { url } = await testDatabase(t);
  await withDefaults(url, defaults);
  const sql = connectPostgres(url, { name: 'test', ...options });
  t.after(() => closePostgres(sql));
  return sql;
}

test('times are the same when the role has its own date style and time zone', async (t) => {
  const sql = await open(t, { datestyle: 'SQL, DMY', timezone: 'Asia/Kathmandu' });
  await sql`create table times (at timestamptz not null)`;
  await drizzle(sql).insert(times).values({ at: AT });
  assert.deepEqual(await drizzle(sql).select().from(times), [{ at: AT }]);
  assert.deepEqual([...(await sql`select at from times`)], [{ at: AT }]);
  const [ofArray] = await sql<{ all: Date[] }[]>`select array_agg(at) as all from times`;
  assert.deepEqual(ofArray!.all, [AT]);
  const [text] = await sql`select at::text as at from times`;
  assert.equal(text!.at, '2026-03-04 12:00:00.123+00');
});

for (const level of ['repeatable read', 'serializable'])
  test(`changes of one row at once all succeed when the role's default is ${level}`, async (t) => {
    const sql = await open(t, { default_transaction_isolation: level });
    await sql`create table counted (id int primary key, n int not null)`;
    await sql`insert into counted values (1, 0)`;
    const change = () => sql.begin((tx) => tx`update counted set n = n + 1 where id = 1`);
    await Promise.all(Array.from({ length: 40 }, change));
    assert.equal((await sql<{ n: number }[]>`select n from counted`)[0]!.n, 40);
  });

test('values are written the same way whatever the role sets', async (t) => {
  const sql = await open(t, {
    bytea_output: 'escape',
    extra_float_digits: '-15',
    intervalstyle: 'sql_standard',
    standard_conforming_strings: 'off',
    array_nulls: 'off',
    transform_null_equals: 'on',
  });
  const [row] = await sql`
    select ${Buffer.from([0, 92, 255])}::bytea as bytes, ${0.1 + 0.2}::float8 as float,
      '1 day 02:00:00'::interval::text as span, 'a\\b' as text, '{NULL}'::text[] as nulls,
      (null = null) is null as unknown`;
  assert.deepEqual(
    { ...row },
    {
      ...{ bytes: Buffer.from([0, 92, 255]), float: 0.1 + 0.2, span: '1 day 02:00:00' },
      ...{ text: 'a\\b', nulls: [null], unknown: true },
    },
  );
});

test("time limits are the pool's own, and commits are on disk when they are acknowledged", async (t) => {
  const sql = await open(t, {
    statement_timeout: '20s',
    lock_timeout: '20s',
    idle_session_timeout: '20s',
    idle_in_transaction_session_timeout: '20s',
    transaction_timeout: '20s',
    synchronous_commit: 'off',
  });
  const [row] = await sql`
    select current_setting('statement_timeout') as statement,
      current_setting('lock_timeout') as lock, current_setting('idle_session_timeout') as idle,
      current_setting('idle_in_transaction_session_timeout') as waiting,
      current_setting('transaction_timeout') as transaction,
      current_setting('synchronous_commit') as commit`;
  assert.deepEqual(
    { ...row },
    {
      ...{ statement: '30s', lock: '0', idle: '0', waiting: '1min', transaction: '0' },
      commit: 'on',
    },
  );
});

test('what a pool asks for beyond that is set too', async (t) => {
  const session = { synchronous_commit: 'off' };
  const sql = await open(t, {}, { session, statementTimeoutMs: 0 });
  const [row] = await sql`
    select current_setting('synchronous_commit') as commit,
      current_setting('statement_timeout') as statement`;
  assert.deepEqual({ ...row }, { commit: 'off', statement: '0' });
});
