import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { digestEntity, type EntityTable } from './entity.ts';
import { raiseVersions, storeRows } from './storing.ts';

const { url } = await testDatabase({ after });
const sql = connectPostgres(url, { name: 'storing', max: 2 });
after(() => closePostgres(sql));

/** Version 1 has the two words of `text` in columns of their own; `nick` nobody can compute here. */
const entity: EntityTable = {
  table: 'things',
  key: 'id',
  version: 'version',
  forms: {
    0: {
      texts: [`coalesce(text, first || ' ' || second)`],
      isStored: 'text is not null',
      store: `text = first || ' ' || second, first = null, second = null`,
    },
    1: {
      texts: [
        `coalesce(first, split_part(text, ' ', 1))`,
        `coalesce(second, split_part(text, ' ', 2))`,
      ],
      isStored: 'first is not null',
      store: `first = split_part(text, ' ', 1), second = split_part(text, ' ', 2), text = null`,
    },
    2: { texts: ['nick'], isStored: 'nick is not null' },
  },
};

async function fill(rows: number): Promise<void> {
  await sql`drop table if exists things`;
  await sql`create table things
    (id int8 primary key, version int8 not null, text text, first text, second text, nick text)`;
  await sql`insert into things select n, n, 'a' || n || ' b' || n from generate_series(1, ${rows}) n`;
}

async function storeAll(version: number, limit: number) {
  const pages = [];
  for (let after = ''; ; ) {
    const page = await storeRows(sql, entity, { version, after, limit });
    pages.push(page);
    if (page.next === undefined) return pages;
    after = page.next;
  }
}

const sumsIn = (version: number, asStored: boolean) =>
  digestEntity(sql, entity, 1, { version, asStored });

test('rows are stored in another form page by page, and say the same in either version', async () => {
  await fill(25);
  const before = [await sumsIn(0, false), await sumsIn(1, false)];
  assert.deepEqual(await sumsIn(0, true), before[0], 'all are stored as version 0 has them');
  assert.notDeepEqual(await sumsIn(1, true), before[1]);
  const pages = await storeAll(1, 10);
  assert.deepEqual(
    pages.map(({ stored, left, next }) => [stored, left, next]),
    [
      [10, 0, '10'],
      [10, 0, '20'],
      [5, 0, undefined],
    ],
  );
  assert.deepEqual([await sumsIn(0, false), await sumsIn(1, false)], before);
  assert.deepEqual(await sumsIn(1, true), before[1]);
  assert.deepEqual((await storeAll(1, 100))[0], { stored: 0, left: 0, next: undefined });
  await storeAll(0, 7);
  assert.deepEqual([await sumsIn(0, true), await sumsIn(1, false)], before);
});

test('rows that lack what a form needs are counted and left as they are', async () => {
  await fill(3);
  await sql`update things set nick = 'x' where id = 2`;
  assert.deepEqual(await storeAll(2, 10), [{ stored: 0, left: 2, next: undefined }]);
});

test('raised versions are one higher, of the named rows only', async () => {
  await fill(3);
  await sql.begin((tx) => raiseVersions(tx, entity, ['1', '3', '99']));
  const rows = await sql`select version::int from things order by id`.values();
  assert.deepEqual([...rows].flat(), [2, 2, 4]);
});
