import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { applyExpand } from '../../db/schemaChanges.ts';
import {
  closePostgres,
  connectPostgres,
  type Database,
  type Transaction,
} from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { type ClosingRow, closeRows } from './closeRows.ts';
import { readOpen, readRows } from './openRows.ts';

const LEG = 'COMM-010/hiring';
const OWNER = { link: 'COMM-010', instance: 'relay-1' };
const EVERYTHING = {
  leg: LEG,
  tail: 0,
  end: 2 ** 52,
  laneMask: 0xffff,
  limit: 100,
  bytes: 2 ** 30,
};
const TERM = 3n;

const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'rows', max: 12 });
await sql`insert into relink.lanes (link, lane, owner, term, expires_at)
  select 'COMM-010', lane, 'relay-1', ${TERM}, 'infinity' from generate_series(0, 15) lane`;
after(() => closePostgres(sql));

function insert(tx: Database | Transaction, lane: number) {
  return tx<{ seq: number; eventId: string }[]>`
    insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
    values (${LEG}, ${lane}, 'k', 1, 'E', 0, ${randomUUID()}, '{}') returning seq::float8 as seq, event_id as "eventId"`;
}

test('every row is read once, in whatever order transactions commit', async () => {
  const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 });
  const run = async (commits: number[]) => {
    await sql`delete from relink.outbox`;
    const [start] = await insert(sql, 0);
    // Numbers are taken in one order, commits come in another.
    const gates = commits.map(() => Promise.withResolvers<void>());
    const seqs: number[] = [];
    const running: Promise<unknown>[] = [];
    for (const gate of gates) {
      const written = Promise.withResolvers<void>();
      running.push(
        sql.begin(async (tx) => {
          seqs.push((await insert(tx, 1))[0]!.seq);
          written.resolve();
          await gate.promise;
        }),
      );
      await written.promise;
    }
    const known = new Set<number>();
    let tail = 0;
    const read = async () => {
      const [open] = await readOpen(sql, [{ ...EVERYTHING, tail }]);
      for (const seq of open!.before) known.add(seq);
      for (const row of open!.rows) {
        known.add(row.seq);
        tail = Math.max(tail, row.seq);
      }
    };
    for (const next of commits) {
      gates[next]!.resolve();
      await running[next];
      await read();
      assert.ok(known.has(seqs[next]!), 'what is committed is seen by the next read');
    }
    assert.deepEqual([...known].sort(), [start!.seq, ...seqs].sort());
  };
  await fc.assert(fc.asyncProperty(order, run), { numRuns: 15 });
});

test('rows of lanes that were not asked for are not read', async () => {
  await sql`delete from relink.outbox`;
  const [wanted] = await insert(sql, 3);
  await insert(sql, 4);
  const [open] = await readOpen(sql, [{ ...EVERYTHING, laneMask: 1 << 3 }]);
  assert.deepEqual(
    open!.rows.map((row) => row.seq),
    [wanted!.seq],
  );
});

test('no more is read than the bytes that are asked for, and one row at least', async () => {
  await sql`delete from relink.outbox`;
  const rows = [await insert(sql, 1), await insert(sql, 1), await insert(sql, 1)].flat();
  await sql`update relink.outbox set body = repeat('x', 1000)`;
  const read = async (bytes: number) => {
    const [open] = await readOpen(sql, [{ ...EVERYTHING, bytes }]);
    return open!.rows.length;
  };
  assert.deepEqual([await read(1), await read(1_001), await read(10_000)], [1, 2, rows.length]);
});

test('a digest counts each row once, however its batches overlap and whatever their order', async () => {
  const batches = fc.array(fc.uniqueArray(fc.nat(11), { minLength: 1 }), {
    minLength: 1,
    maxLength: 6,
  });
  const run = async (picks: number[][]) => {
    await sql`delete from relink.outbox`;
    await sql`delete from relink.closed`;
    const rows: ClosingRow[] = [];
    for (let i = 0; i < 12; i++) {
      const lane = i % 3;
      const [inserted] = await insert(sql, lane);
      const hash = BigInt(i) << 59n;
      rows.push({ ...inserted!, epoch: BigInt(1 + (i % 2)), hash, hashedVersion: 0 });
    }
    const signed = rows.map((row) => ({ ...row, hash: BigInt.asIntN(64, row.hash) }));
    const terms = new Map([0, 1, 2].map((lane) => [lane, TERM]));
    // At once, as statements whose answer was lost may still run when they are repeated.
    await Promise.all(
      picks.map((pick) =>
        closeRows(sql, OWNER, {
          leg: LEG,
          rows: pick.map((i) => signed[i]!),
          terms,
          isKept: false,
        }),
      ),
    );
    const closed = new Set(picks.flat());
    const digest = await sql<{ count: bigint; sum: string }[]>`
      select coalesce(sum(count), 0)::int8 as count, coalesce(sum(sum), 0)::text as sum
      from relink.closed`;
    const expected = signed.filter((_row, i) => closed.has(i));
    assert.deepEqual(
      { ...digest[0] },
      {
        count: BigInt(expected.length),
        sum: String(expected.reduce((sum, row) => sum + row.hash, 0n)),
      },
    );
    const left = await readRows(
      sql,
      LEG,
      rows.map((row) => row.seq),
    );
    assert.equal(left.length, rows.length - closed.size);
  };
  await fc.assert(fc.asyncProperty(batches, run), { numRuns: 15 });
});
