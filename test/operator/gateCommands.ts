/** A command as a gate, run by an operator of its own that was told to, or was not. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { freePorts } from '../../dev/ports.ts';
import { createDatabase } from '../../dev/servers/databases.ts';
import { makeRunDir } from '../../dev/servers/folders.ts';
import { type Program, startProgram } from '../../dev/servers/processes.ts';
import { OPERATOR } from '../../dev/services.ts';
import { formatPeers } from '../../runtime/config.ts';
import { until } from '../harness/until.ts';
import { relink } from '../rigs/cli.ts';
import type { ProcessCompany } from '../rigs/processes/company.ts';
import { LINK, QUICK } from '../rigs/processes/desk.ts';
import { sharedCompany } from './toolsCompany.ts';

const ROOT = join(import.meta.dirname, '..', '..');

describe('a command as a gate', () => {
  let company: ProcessCompany;
  let dir: string;
  let operator: Program | undefined;
  let address: string;
  before(async () => {
    dir = await makeRunDir('test-gate-commands');
    company = sharedCompany();
  });
  after(() => rm(dir, { recursive: true, force: true }));
  afterEach(async () => {
    await operator?.stop();
    operator = undefined;
  });

  async function startOperator(settings: Record<string, string>): Promise<void> {
    const { postgres, nats, services } = company.stack.addresses;
    const [grpc, http] = await freePorts(2);
    address = `127.0.0.1:${grpc}`;
    const peers = Object.entries(services).map(([name, all]) => [name, all.map((one) => one.grpc)]);
    operator = await startProgram({
      name: 'operator-of-commands',
      main: join(ROOT, OPERATOR.main),
      env: {
        RELINK_POSTGRES_URL: await createDatabase(postgres, `commands_${grpc}`),
        RELINK_NATS_URL: nats,
        RELINK_PORT: String(grpc),
        RELINK_HTTP_PORT: String(http),
        RELINK_PEERS: formatPeers(Object.fromEntries(peers)),
        ...settings,
      },
      logFile: join(dir, 'operator.log'),
      readyUrl: `http://127.0.0.1:${http}/readyz`,
    });
  }

  const start = (command: string, settings: Record<string, string> = {}) =>
    relink(
      address,
      ...['start', LINK, '--to', 'async', '--way-back', 'keep', '--set', `gate_command=${command}`],
      ...Object.entries({ ...QUICK, ...settings }).map(([name, value]) => `${name}=${value}`),
    );

  it('is refused by an operator that was not told to run any', async () => {
    await startOperator({});
    const ran = await start('true');
    assert.equal(ran.exitCode, 2);
    assert.match(ran.stderr, /gate_command is refused: .* RELINK_GATE_COMMANDS=allow/);
  });

  it('passes with 0, knows the run, and is given nothing of the operator', async () => {
    await startOperator({ RELINK_GATE_COMMANDS: 'allow' });
    const knows = `test "$LINK $FROM $TO $CONSUMERS" = "${LINK} sync v0 async v0 hiring,bonuses"`;
    const ran = await start(`${knows} && ! env | grep RELINK && echo sound`);
    assert.match(ran.stdout, /waits for +a person to complete it/, ran.stdout);
    const { stdout } = await relink(address, 'status', 'last', '--evidence');
    assert.match(stdout, /✓ gate command: exit 0: sound \(exit 0\)/);
    assert.equal((await relink(address, 'rollback', 'last', '--yes')).exitCode, 0);
  });

  it('fails with 1, and the run goes back and says what the command said last', async () => {
    await startOperator({ RELINK_GATE_COMMANDS: 'allow' });
    const ran = await start('echo looking; echo 3 cents are missing >&2; exit 1');
    assert.equal(ran.exitCode, 5);
    assert.match(ran.stdout, /why +soak: gate command: exit 1: 3 cents are missing/);
  });

  it('proves nothing when it does not end: it is killed with all it started', async () => {
    await startOperator({ RELINK_GATE_COMMANDS: 'allow' });
    const file = join(dir, 'pid');
    const limits = { gate_command_seconds: '3', patience_seconds: '6' };
    const ran = await start(`sleep 300 & echo $! > ${file}; wait`, limits);
    assert.equal(ran.exitCode, 3);
    assert.match(ran.stdout, /problem +soak: gate command: timed out after 3 s/);
    const pid = Number(await readFile(file, 'utf8'));
    await until(() => isGone(pid), { what: 'the command is gone' });
    assert.equal((await relink(address, 'rollback', 'last', '--yes')).exitCode, 0);
  });
});

/** Ended; where nobody waits for orphans it may be left as a zombie. */
async function isGone(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return true;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return / Z /.test(stat);
}
