/**
 * The demo on servers that are not the project's own: PostgreSQL 15 whose defaults are another
 * isolation level and another date style, behind pgbouncer in session mode, and a NATS server with
 * a password. The last test changes that password under way.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cleanEnvironment, readDevEnvironment } from '../../dev/environment.ts';
import { makeRunDir, PROJECT_DIR } from '../../dev/servers/folders.ts';
import { pause } from '../../runtime/wake.ts';
import { noPgbouncer, startPgbouncer } from '../harness/pgbouncer.ts';
import { until } from '../harness/until.ts';
import { findForeignPostgres, GuardedNats, startForeignPostgres } from './foreignServers.ts';

const LINKS = 'COMM-010,COMM-040,COMM-060';
const DEMO_LIMIT_MS = 15 * 60_000;
const WRONG_PASSWORD_MS = 15_000;
const DEFAULTS = {
  default_transaction_isolation: 'serializable',
  datestyle: 'SQL, DMY',
  timezone: 'Asia/Kathmandu',
  track_commit_timestamp: 'on', // the demo's comparison needs it
};

const bin = await findForeignPostgres();
const noPostgres =
  !bin && 'there is no PostgreSQL 15: install it, or name its folder in RELINK_TEST_POSTGRES_BIN';
const missing = [noPostgres, noPgbouncer].filter((one) => one !== false);
const options = { skip: missing.length > 0 && missing.join('; '), timeout: DEMO_LIMIT_MS };

test('the demo proves its moves on a foreign PostgreSQL behind pgbouncer', options, async (t) => {
  const { demo } = await startCompany(t);
  assert.equal(await demo.ended, 0, demo.said());
  assert.match(demo.said(), /ok: nothing lost, nothing doubled, nothing out of order/);
});

test(
  'the demo proves its moves although NATS takes another password for a while',
  options,
  async (t) => {
    const { demo, nats, password } = await startCompany(t);
    const isMoving = () => /Watch the canary lane/.test(demo.said()) || demo.hasEnded();
    await until(isMoving, { what: 'a link that moves', withinMs: DEMO_LIMIT_MS });
    await nats.restart('another');
    await pause(WRONG_PASSWORD_MS);
    assert.equal(demo.hasEnded(), false, demo.said());
    await nats.restart(password);
    assert.equal(await demo.ended, 0, demo.said());
    assert.match(demo.said(), /ok: nothing lost, nothing doubled, nothing out of order/);
  },
);

async function startCompany(t: TestContext) {
  const password = 'right';
  const direct = await startForeignPostgres(t, bin!, DEFAULTS);
  const pgbouncer = await startPgbouncer(direct, 'session');
  t.after(() => pgbouncer.stop());
  const nats = await GuardedNats.start(t, password);
  return { nats, password, demo: await startDemo(t, pgbouncer.through(direct), nats.url) };
}

async function startDemo(t: TestContext, postgresUrl: string, natsUrl: string) {
  const dir = await makeRunDir('wild');
  const { natsServer } = readDevEnvironment();
  const env = cleanEnvironment({
    RELINK_POSTGRES_URL: postgresUrl,
    RELINK_NATS_URL: natsUrl,
    TMPDIR: dir,
    ...(natsServer && { RELINK_NATS_SERVER: natsServer }),
  });
  const args = [join(PROJECT_DIR, 'demo', 'main.ts'), '--only', LINKS];
  const child = spawn(process.execPath, args, { cwd: dir, env });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (more) => {
      text += more;
    });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  t.after(async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(dir, { recursive: true, force: true });
  });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return { said: () => text, ended, hasEnded };
}
