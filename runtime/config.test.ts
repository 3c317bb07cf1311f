import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type BaseConfig,
  baseConfigProperties,
  ConfigError,
  type ConfigProperties,
  formatPeers,
  loadConfig,
  variableOf,
} from './config.ts';

const REQUIRED = {
  RELINK_POSTGRES_URL: 'postgres://localhost/hiring',
  RELINK_NATS_URL: 'nats://localhost:7142',
  RELINK_PORT: '7102',
  RELINK_HTTP_PORT: '8102',
};

function problemsOf(env: NodeJS.ProcessEnv) {
  try {
    loadConfig(baseConfigProperties, { env });
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  throw new Error('the configuration was accepted');
}

test('variables become typed values and defaults fill the rest', () => {
  const config = loadConfig(baseConfigProperties, {
    env: { ...REQUIRED, RELINK_PRODUCTION: 'yes', RELINK_LOG_LEVEL: 'debug', OTHER: 'ignored' },
  });
  assert.equal(config.port, 7102);
  assert.equal(config.production, true);
  assert.equal(config.logLevel, 'debug');
  assert.equal(config.host, '127.0.0.1');
  assert.match(config.instance, /^[0-9a-f]{8}$/);
  assert.deepEqual(config.peers, {});
});

test('peers list every replica of a service and survive a round trip', () => {
  const peers = { hiring: ['127.0.0.1:7102', '127.0.0.1:7202'], bonuses: ['h:1', '[::1]:1'] };
  const env = { ...REQUIRED, RELINK_PEERS: formatPeers(peers) };
  assert.deepEqual(loadConfig(baseConfigProperties, { env }).peers, peers);
});

test('a variable overrides the defaults of the process, and these those of the schema', () => {
  const schema: ConfigProperties<BaseConfig & { laneCount: number }> = {
    ...baseConfigProperties,
    laneCount: { type: 'integer', default: 1 },
  };
  const defaults = { port: 7102, laneCount: 16, host: '0.0.0.0' };
  const config = loadConfig(schema, { env: { ...REQUIRED, RELINK_HOST: '::1' }, defaults });
  assert.equal(config.laneCount, 16);
  assert.equal(config.host, '::1');
});

test('a peer without a port, or an IPv6 host without brackets, is refused with the right form', () => {
  for (const peers of ['hiring=h', 'hiring=::1:7102', 'hiring=h:70000']) {
    const [problem] = problemsOf({ ...REQUIRED, RELINK_PEERS: peers });
    assert.equal(problem?.variable, 'RELINK_PEERS', peers);
    assert.match(problem?.message ?? '', /name=host:port.*\[::1\]:7101/);
  }
});

test('all problems are reported at once and each names its variable', () => {
  const env = { RELINK_PORT: '71o2', RELINK_LOG_LEVEL: 'loud', RELINK_PEERS: 'hiring' };
  const codes = problemsOf(env).map(({ variable, code }) => `${variable} ${code}`);
  assert.deepEqual(codes.sort(), [
    'RELINK_HTTP_PORT missing',
    'RELINK_LOG_LEVEL invalid',
    'RELINK_NATS_URL missing',
    'RELINK_PEERS invalid',
    'RELINK_PORT invalid',
    'RELINK_POSTGRES_URL missing',
  ]);
});

test('an unknown variable is refused with a suggestion', () => {
  const [problem] = problemsOf({ ...REQUIRED, RELINK_POSTGRESS_URL: 'x' });
  assert.equal(problem?.code, 'unknown');
  assert.match(problem?.message ?? '', /did you mean RELINK_POSTGRES_URL\?/);
});

test('variables of other commands are tolerated', () => {
  const others = { RELINK_OPERATOR: 'h:1', RELINK_NATS_SERVER: '/x', RELINK_TEST_SEED: '7' };
  assert.equal(loadConfig(baseConfigProperties, { env: { ...REQUIRED, ...others } }).port, 7102);
  const small: ConfigProperties<{ operator: string }> = { operator: { type: 'string' } };
  assert.equal(loadConfig(small, { env: { ...REQUIRED, ...others } }).operator, 'h:1');
});

test('passwords come from files and end up in the URLs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'relink-secrets-'));
  const file = join(folder, 'password');
  writeFileSync(file, 'p@ss:w/rd\n');
  const files = { RELINK_POSTGRES_PASSWORD_FILE: file, RELINK_NATS_PASSWORD_FILE: file };
  const load = (env: NodeJS.ProcessEnv) =>
    loadConfig(baseConfigProperties, { env: { ...REQUIRED, ...files, ...env } });
  const RELINK_POSTGRES_URL = 'postgres://hiring@h1:5432,h2/hiring?sslmode=prefer';
  const { postgresUrl, natsUrl } = load({ RELINK_POSTGRES_URL });
  const encoded = encodeURIComponent('p@ss:w/rd');
  assert.equal(postgresUrl, `postgres://hiring:${encoded}@h1:5432,h2/hiring?sslmode=prefer`);
  assert.equal(natsUrl, `nats://${encoded}@localhost:7142`);
  const named = load({ RELINK_POSTGRES_URL, RELINK_NATS_URL: 'nats://relink@n1:4222,n2:4222' });
  assert.equal(named.natsUrl, `nats://relink:${encoded}@n1:4222,n2:4222`);
  assert.doesNotMatch(JSON.stringify([named.postgresPassword, named.natsPassword]), /ss/);

  const refused = (env: NodeJS.ProcessEnv) =>
    problemsOf({ ...REQUIRED, ...files, RELINK_POSTGRES_URL, ...env }).map(
      ({ variable, message }) => `${variable} ${message}`,
    );
  assert.deepEqual(refused({ RELINK_POSTGRES_URL: 'postgres://h/hiring' }), [
    'RELINK_POSTGRES_URL names no user for the password',
  ]);
  assert.deepEqual(refused({ RELINK_NATS_URL: 'nats://a:b@h:4222' }), [
    'RELINK_NATS_URL has a password already; leave one of them out',
  ]);
  assert.match(
    refused({ RELINK_NATS_PASSWORD_FILE: join(folder, 'none') }).join(),
    /^RELINK_NATS_PASSWORD_FILE cannot be used: ENOENT/,
  );
  assert.match(refused({ RELINK_NATS_PASSWORD: 'x' }).join(), /RELINK_NATS_PASSWORD is set, too/);
  assert.match(
    refused({ RELINK_NATS_PASWORD_FILE: file }).join(),
    /did you mean RELINK_NATS_PASSWORD\?/,
  );
  rmSync(folder, { recursive: true });
});

test('an empty variable counts as not set', () => {
  const env = { ...REQUIRED, RELINK_HOST: '', RELINK_INSTANCE: '' };
  assert.equal(loadConfig(baseConfigProperties, { env }).host, '127.0.0.1');
  assert.equal(variableOf('httpPort'), 'RELINK_HTTP_PORT');
});
