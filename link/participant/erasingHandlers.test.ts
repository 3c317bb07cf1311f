/** What a contract version took away, from its owner's list to the proof that nobody else has it. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { applyExpand } from '../../db/schemaChanges.ts';
import {
  FindTracesRequestSchema,
  ListPhrasesRequestSchema,
  ReplacePhrasesRequestSchema,
} from '../../gen/relink/v1/participant_pb.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import type { EntitySource } from './entity.ts';
import { erasingHandlers } from './erasingHandlers.ts';

const link = links['COMM-010'];
const SALT = 'a salt of this search';
/** These handlers use nothing but their request. */
const CALL = undefined as never;

const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'erasing' });
after(() => closePostgres(sql));
await sql.unsafe(`create table people (id text primary key, first text, last text);
  insert into people select 'id-' || n, 'Ada', 'Lovelace ' || n from generate_series(1000, 2499) n;
  insert into people values ('id-3000', 'A', '-'), ('id-4000', 'Mary', '. ,');
  create table notes (id int primary key, by text);
  insert into notes values (1, 'by lovelace 2400, ADA'), (2, '{"first_name":"Mary"}'), (3, 'A: a - b')`);

const source: EntitySource = {
  table: 'people',
  key: 'id',
  version: 'version',
  forms: {},
  page: async () => [],
  phrases: async (sql, { afterKey, limit }) => {
    const rows = await sql<{ id: string; first: string; last: string }[]>`
      select * from people where id > ${afterKey} order by id limit ${limit}`;
    return rows.map(({ id, first, last }) => ({
      ...{ key: id, alias: id, fields: { first_name: first, last_name: last } },
      names: [`${first} ${last}`, `${last} ${first}`],
    }));
  },
};
const owner = { sql, produced: [link], consumed: [], sources: { [link.id]: source } };
const api = erasingHandlers({ ...owner, freeText: [{ table: 'notes', column: 'by' }] });

const list = (afterKey: string, version = 1) =>
  api.listPhrases(
    create(ListPhrasesRequestSchema, { link: link.id, version, salt: SALT, afterKey }),
    CALL,
  );

test('phrases come page by page, and put into the owner’s order leave no trace of what they name', async () => {
  const first = await list('');
  const second = await list(first.nextKey!);
  assert.deepEqual([first.nextKey, second.nextKey], ['id-1999', '']);
  assert.deepEqual(second.fields, ['first_name', 'last_name']);
  const entities = [...first.entities!, ...second.entities!];
  assert.equal(entities.length, 1502);
  const [longest] = [second.longest!];
  assert.equal(longest, 4, 'last name lovelace 2400');
  assert.equal(entities.at(-2)!.hashes!.length, 1, 'of A only the field with its name');
  const notSought = entities.flatMap((one) => one.notSought || []);
  assert.deepEqual(notSought, ['id-3000', 'id-4000'], 'nobody could find A - or Mary alone');
  const hashes = entities.flatMap((one) => one.hashes ?? []);
  const find = () =>
    api.findTraces(create(FindTracesRequestSchema, { salt: SALT, hashes, longest }), CALL);
  const before = await find();
  assert.deepEqual(before.traces, { 'public.notes.by': 2n });
  assert.deepEqual(before.leftOut, ["people: its owner's own rows"]);
  assert.equal(before.searched!['public.notes'], 3n);
  const request = create(ReplacePhrasesRequestSchema, { salt: SALT, longest, entities });
  assert.deepEqual(await api.replacePhrases(request, CALL), { changed: { 'public.notes.by': 2n } });
  assert.deepEqual((await find()).traces, {});
  const notes = await sql<{ by: string }[]>`select by from notes order by id`;
  assert.deepEqual(
    notes.map(({ by }) => by),
    ['by id-2400', '{"first_name":"id-4000"}', 'A: a - b'],
  );
});

test('a version that took nothing has no phrases, and a source that keeps them to itself is named', async () => {
  assert.deepEqual(await list('', 0), {});
  const { phrases: _, ...mute } = source;
  const without = erasingHandlers({ ...owner, sources: { [link.id]: mute } });
  const request = create(ListPhrasesRequestSchema, { link: link.id, version: 1, salt: SALT });
  await assert.rejects(async () => without.listPhrases(request, CALL), {
    code: 'NOT_MOVABLE',
    message: /the source of COMM-010 has no `phrases`: nobody could look for first_name, last_name/,
  });
});
