import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eq } from 'drizzle-orm';
import { bigint, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { testDatabase } from '../test/harness/postgres.ts';
import { drizzle, isOneOf } from './drizzle.ts';
import {
  brokenConstraint,
  closePostgres,
  connectPostgres,
  TransactionRevokedError,
} from './postgres.ts';

const notes = pgTable('notes', {
  id: uuid().primaryKey(),
  amount: bigint({ mode: 'bigint' }).notNull(),
  text: text(),
  tags: jsonb().$type<string[]>().notNull(),
  writtenAt: timestamp('written_at', { withTimezone: true }).notNull(),
});

const note = {
  id: '018f0000-0000-7000-8000-000000000001',
  amount: 9_007_199_254_740_993n,
  text: null,
  tags: ['"', 'ü'],
  writtenAt: new Date('2026-11-27T01:02:03.456Z'),
};
const otherId = '018f0000-0000-7000-8000-000000000002';

async function open(t: TestContext) {
  const { url } = await testDatabase(t);
  const sql = connectPostgres(url, { name: 'test', max: 1 });
  t.after(() => closePostgres(sql));
  await sql`create table notes (id uuid primary key, amount int8 not null, text text,
    tags jsonb not null, written_at timestamptz not null)`;
  return sql;
}

test('gives back what was written: bigint, null, jsonb and Date', async (t) => {
  const sql = await open(t);
  await drizzle(sql).insert(notes).values(note);
  assert.deepEqual(await drizzle(sql).select().from(notes), [note]);
});

test('leaves what other statements of the pool read and write as it was', async (t) => {
  const sql = await open(t);
  const read = () => sql`select ${note.writtenAt}::timestamptz as at, 1::int8 as one`;
  const before = [...(await read())];
  const { parsers, serializers } = sql.options;
  const options = { parsers: { ...parsers }, serializers: { ...serializers } };
  await drizzle(sql).insert(notes).values(note);
  assert.deepEqual(before, [{ at: note.writtenAt, one: 1n }]);
  assert.deepEqual([...(await read())], before);
  assert.deepEqual({ parsers, serializers }, options);
});

test('shares a transaction with SQL, in the order of the statements, awaited together', async (t) => {
  const sql = await open(t);
  const count = (tx: typeof sql | Parameters<Parameters<typeof sql.begin>[1]>[0]) =>
    tx<{ n: number }[]>`select count(*)::int as n from notes`;
  const failing = sql.begin(async (tx) => {
    const [before, , after, rows] = await Promise.all([
      count(tx),
      drizzle(tx).insert(notes).values(note),
      count(tx),
      drizzle(tx).select({ id: notes.id }).from(notes),
    ]);
    assert.deepEqual([before[0]?.n, after[0]?.n, rows.length], [0, 1, 1]);
    throw new Error('undone');
  });
  await assert.rejects(failing, /undone/);
  assert.equal((await count(sql))[0]?.n, 0);
});

test('prepares a statement once, whatever its values are', async (t) => {
  const sql = await open(t);
  for (const ids of [[note.id], [note.id, otherId], []])
    await drizzle(sql).select().from(notes).where(isOneOf(notes.id, ids));
  const [prepared] = await sql<{ n: number }[]>`
    select count(*)::int as n from pg_prepared_statements where statement like '%any(%'
      and statement not like '%pg_prepared_statements%'`;
  assert.equal(prepared?.n, 1);
});

test('finds the rows that are one of the values', async (t) => {
  const sql = await open(t);
  await drizzle(sql)
    .insert(notes)
    .values([note, { ...note, id: otherId }]);
  const idsIn = async (ids: string[]) =>
    (await drizzle(sql).select().from(notes).where(isOneOf(notes.id, ids))).map(({ id }) => id);
  assert.deepEqual(await idsIn([otherId, 'ffffffff-ffff-ffff-ffff-ffffffffffff']), [otherId]);
  assert.deepEqual(await idsIn([]), []);
});

test('fails with the error of the server itself', async (t) => {
  const sql = await open(t);
  await drizzle(sql).insert(notes).values(note);
  await assert.rejects(
    async () => drizzle(sql).insert(notes).values(note),
    (error: Error) => {
      assert.equal(brokenConstraint(error), 'notes_pkey');
      assert.doesNotMatch(error.message, /insert into/i);
      return true;
    },
  );
});

test('is refused when its transaction is over', async (t) => {
  const sql = await open(t);
  let late: (() => Promise<unknown>) | undefined;
  await sql.begin(async (tx) => {
    late = async () => drizzle(tx).update(notes).set({ text: 'late' }).where(eq(notes.id, note.id));
  });
  await assert.rejects(late!, TransactionRevokedError);
});
