import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { prepareRoutes } from './routes.ts';

const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };

test('a map that no longer lists the version of a route is refused at start', async (t) => {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'routes' });
  t.after(() => closePostgres(sql));
  const link = links['COMM-010'];
  await prepareRoutes(sql, [link]);
  await prepareRoutes(sql, [link]);
  const contracts = link.contracts.map((contract) => ({ ...contract, version: 1 }));
  const replaced = { ...link, contracts, mappings: [], starts: { ...link.starts, version: 1 } };
  await assert.rejects(prepareRoutes(sql, [replaced]), {
    name: 'LinkError',
    code: 'NO_TRANSPORT',
    message:
      /^COMM-010\/\w+ is routed at version 0, which this build does not read; .* to one of 1 first/,
  });
});
