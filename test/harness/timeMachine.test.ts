import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withAdmin } from '../../dev/servers/databases.ts';
import { privatePostgres } from './postgres.ts';
import { rememberMoment } from './timeMachine.ts';

test('a server that went back has what was written before the moment, and nothing that came after', async (t) => {
  const server = await privatePostgres(t);
  const write = (text: string) =>
    withAdmin(server.url, (sql) => sql`insert into written (text) values (${text})`);
  await withAdmin(
    server.url,
    (sql) => sql`create table written (id int generated always as identity, text text)`,
  );
  await write('before');
  const moment = await rememberMoment(t, server);
  await write('after');
  await moment.return();
  const read = () => withAdmin(server.url, (sql) => sql`select id, text from written order by id`);
  assert.deepEqual([...(await read())], [{ id: 1, text: 'before' }]);
  await write('since');
  assert.deepEqual((await read()).at(-1), { id: 2, text: 'since' }, 'sequences go back, too');
});
