import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { ALL_LANES } from '../link.ts';
import { changeRoute, prepareRoutes, readRoutes } from './routes.ts';

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

test('a database that went back gives no epoch a second time, and lanes behind a fence a new one', async (t) => {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'routes' });
  t.after(() => closePostgres(sql));
  const link = links['COMM-040'];
  await prepareRoutes(sql, [link]);
  const change = { link, consumer: 'bonuses', version: 0, hold: true } as const;
  const canary = { ...change, lanes: [0], expectedEpoch: 1n, transport: 'async' } as const;
  // Others know epoch 7: it was given before the database went back.
  assert.equal(await changeRoute(sql, { ...canary, aboveEpoch: 7n }), 8n);
  assert.equal(
    await changeRoute(sql, { ...canary, aboveEpoch: 8n }),
    8n,
    'repeated, it changes nothing',
  );
  const asBefore = { ...change, lanes: ALL_LANES.slice(1), expectedEpoch: 1n } as const;
  const same = { ...asBefore, transport: 'sync', aboveEpoch: 8n } as const;
  assert.equal(await changeRoute(sql, same), 1n, 'they have the route');
  assert.equal(await changeRoute(sql, { ...same, fence: 5n }), 9n, 'and are behind the fence');
  const routes = await readRoutes(sql, 'COMM-040/bonuses');
  assert.deepEqual([...new Set(routes.map(({ epoch }) => epoch))], [8n, 9n]);
});
