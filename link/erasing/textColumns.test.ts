/** Whatever column of the kit may hold text is known: it is erased, or says why it holds no name. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { listTables } from './columns.ts';
import { OF_THE_KIT } from './replacePhrases.ts';

const DELIVERED = 'open messages: erasing waits until they are settled';
/** By column, or by table and column: why nothing has to be erased there. */
const NAMELESS: Readonly<Record<string, string>> = {
  'outbox.body': DELIVERED,
  'parked.delivery': DELIVERED,
  key: 'an id of an entity',
  link: 'an id of the map of links',
  leg: 'an id of the map of links',
  event: 'a name of the map of links',
  traceparent: 'an id of a trace',
  actor: 'who gave an order to relink',
  outcome: 'one of a few words',
  state: 'one of a few words',
  transport: 'one of a few words',
  adopted_transport: 'one of a few words',
  shadow: 'one of a few words',
  copies: 'one of a few words',
  reading: 'one of a few words',
  'dead_letters.reason': 'one of a few words',
  owner: 'a name of a process',
  instance: 'a name of a process',
  declines: 'ids of links',
};

const fill = (url: string) => applyExpand(url, ['link']);
const { url } = await testDatabase({ after }, { name: 'link', fill });
const sql = connectPostgres(url, { name: 'columns' });
after(() => closePostgres(sql));

test('every column of the kit that may hold text is erased, or holds no name', async () => {
  const tables = (await listTables(sql)).filter(({ schema }) => schema === 'relink');
  const columns = tables.flatMap(({ table, columns }) =>
    columns.filter(({ isText, isBinary }) => isText || isBinary).map(({ name }) => [table, name]),
  );
  const erased = new Set(OF_THE_KIT.map(({ table, column }) => `${table}.${column}`));
  const unknown = columns.filter(
    ([table, name]) =>
      !erased.has(`relink.${table}.${name}`) &&
      !(`${table}.${name}` in NAMELESS) &&
      !(name! in NAMELESS),
  );
  assert.ok(columns.length > 40, 'the schema is read');
  assert.deepEqual(unknown, []);
});
