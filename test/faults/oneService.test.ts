/** What one service process does when a server it lives on refuses, gives up or cannot be used. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { cleanEnvironment } from '../../dev/environment.ts';
import { withAdmin } from '../../dev/servers/databases.ts';
import { PROJECT_DIR } from '../../dev/servers/folders.ts';
import { testPostgresUrl } from '../harness/postgres.ts';
import { until } from '../harness/until.ts';
import { FINANCE, type OneService, startOneService } from '../rigs/processes/oneService.ts';

const CALLS = 10;

test('a service whose NATS client gives up ends with a sentence, and its supervisor starts it again', async (t) => {
  const givesUp = join(PROJECT_DIR, 'test', 'harness', 'natsGivesUp.ts');
  const { program, nats, said, readiness } = await startOneService(t, ['--import', givesUp]);
  const { pid } = program;
  await nats.restart();
  await until(() => said.some((line) => /is running again/.test(line)), { what: 'a restart' });
  assert.match(said[0]!, /^finance-1 ended \(exit code 1\)/);
  assert.match(said[0]!, /the connection to NATS ended for good: the client gave up/);
  assert.notEqual(program.pid, pid);
  assert.equal((await readiness()).status, 200);
});

test('while PostgreSQL takes no writes a service is not ready and UNAVAILABLE, and afterwards as before', async (t) => {
  const service = await startOneService(t);
  await credit(service);
  await failOver(service, 'on');
  // At first it may say that its connection was ended.
  await until(
    async () => {
      const { status, text } = await service.readiness();
      return status === 503 && text.includes('takes no writes');
    },
    { what: 'not ready, as PostgreSQL takes no writes' },
  );
  for (let call = 0; call < CALLS; call += 1)
    await assert.rejects(credit(service), { code: 'UNAVAILABLE' });
  await failOver(service, 'off');
  await until(async () => (await service.readiness()).status === 200, { what: 'ready again' });
  await until(() => credit(service).then(() => true), { what: 'a credit' });
  assert.deepEqual(service.said, []);
});

for (const [what, url, sentence] of [
  ['a closed port', 'postgres://postgres@127.0.0.1:1/finance', /no PostgreSQL can be reached/],
  ['another scheme', 'mysql://127.0.0.1/finance', /RELINK_POSTGRES_URL/],
  ['an option', 'postgres://127.0.0.1:1/finance?channel_binding=require', /channel_binding/],
] as [string, string, RegExp][])
  test(`a service ends with a sentence and no stack trace for ${what} as its database`, () => {
    const servers = { RELINK_POSTGRES_URL: url, RELINK_NATS_URL: 'nats://127.0.0.1:1' };
    const env = cleanEnvironment({ ...servers, RELINK_PORT: '0', RELINK_HTTP_PORT: '0' });
    const options = { env, encoding: 'utf8' } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [FINANCE], options);
    assert.equal(status, 1);
    assert.match(stderr, /^finance cannot start: .*/);
    assert.match(stderr, sentence);
    assert.doesNotMatch(stdout + stderr, /^\s+at /m);
  });

function credit({ client }: OneService) {
  const order = { idempotencyKey: randomUUID(), accountId: randomUUID(), amountMinor: 1n };
  return client.creditToAccount(order);
}

/** As when a primary becomes a standby, and a standby the primary: every session ends. */
async function failOver({ database: { name } }: OneService, readOnly: 'on' | 'off') {
  await withAdmin(await testPostgresUrl(), async (sql) => {
    await sql`alter database ${sql(name)} set default_transaction_read_only to ${sql(readOnly)}`;
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
  });
}
