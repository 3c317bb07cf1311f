import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectAdmin, withAdmin } from '../../dev/servers/databases.ts';
import { leftDatabases, refuseOpenClients } from './leaks.ts';
import { type Template, testDatabase, testPostgresUrl } from './postgres.ts';
import { until } from './until.ts';

/** Nobody is going to close what is asked for. */
const SHORT_MS = 200;

let fills = 0;
const template: Template = {
  name: 'harness_self_test',
  fill: (url) => {
    fills += 1;
    return withAdmin(url, async (sql) => {
      await sql`create table thing (id int primary key)`;
    });
  },
};

test('databases of a template are apart from each other, and the template is filled once', async (t) => {
  const [one, two] = await Promise.all([testDatabase(t, template), testDatabase(t, template)]);
  await withAdmin(one.url, (sql) => sql`insert into thing values (1)`);
  const count = (url: string) =>
    withAdmin(url, async (sql) => (await sql`select from thing`).length);
  assert.equal(await count(one.url), 1);
  assert.equal(await count(two.url), 0);
  assert.ok(fills <= 1, `filled ${fills} times`);
});

test('a database is gone after its test', async (t) => {
  let name = '';
  await t.test('inner', async (inner) => {
    ({ name } = await testDatabase(inner));
    assert.ok((await leftDatabases(await testPostgresUrl())).includes(`database ${name}`));
  });
  const isGone = async () =>
    !(await leftDatabases(await testPostgresUrl())).includes(`database ${name}`);
  await until(isGone, { what: 'the database dropped' });
});

test('a client left open is named', async (t) => {
  const { name, url } = await testDatabase(t);
  const sql = connectAdmin(url);
  await sql`select 'forgotten'`;
  const refused = refuseOpenClients(await testPostgresUrl(), name, SHORT_MS);
  await assert.rejects(refused, /left open: .*forgotten/);
  await sql.end();
});

test('a template that could not be filled is made anew', async (t) => {
  let tries = 0;
  const flaky: Template = {
    name: 'harness_flaky_test',
    fill: async (url) => {
      tries += 1;
      await withAdmin(url, (sql) => sql`create table half (id int)`);
      if (tries === 1) throw new Error('disk full');
    },
  };
  await assert.rejects(testDatabase(t, flaky), /disk full/);
  const { url } = await testDatabase(t, flaky);
  assert.deepEqual([...(await withAdmin(url, (sql) => sql`select * from half`))], []);
});
