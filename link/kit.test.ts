import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { silentLog } from '../runtime/log.ts';
import { connectNats } from '../runtime/nats.ts';
import { closePostgres, connectPostgres } from '../runtime/postgres.ts';
import { links } from '../services/links.ts';
import { testNats } from '../test/harness/nats.ts';
import { functional } from './inbox/handler.ts';
import { createLinkKit } from './kit.ts';

const { url } = await testNats({ after });
const nats = await connectNats(url, { name: 'kit', log: silentLog });
const sql = connectPostgres('postgres://postgres@127.0.0.1:1/postgres', { name: 'kit' });
after(() => Promise.all([nats.close(), closePostgres(sql)]));

const options = {
  ...{ instance: 'one', sql, queueSql: sql, leaseSql: sql, log: silentLog, nats: nats.connection },
  ...{ links: { 'COMM-040': links['COMM-040'] }, peers: { bonuses: ['127.0.0.1:1'] } },
};

test('a kit whose handler lacks an event of its link is not made', () => {
  // As a program without types may give it.
  const half = functional({ SolutionRevoked: async () => undefined }) as never;
  assert.throws(
    () => createLinkKit({ ...options, service: 'bonuses', handlers: { 'COMM-040': half } }),
    { name: 'LinkError', code: 'HANDLER_MISMATCH', message: /COMM-040 carries SolutionCompleted/ },
  );
});

test('connections to consumers and the broker stop after everything that uses them', () => {
  const kit = createLinkKit({ ...options, service: 'hiring', handlers: {} });
  const stopped = kit.agents.map(({ name }) => name).toReversed();
  assert.deepEqual(stopped.slice(-2), ['link connections', 'link state']);
});
