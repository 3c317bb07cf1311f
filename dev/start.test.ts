/** `npm run dev` as a person runs it: the real stack, with everything that serves debugging. */
import assert from 'node:assert/strict';
import { readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { splitAddress } from '../runtime/address.ts';
import { until } from '../test/harness/until.ts';
import { startByCommand } from './commandStack.ts';
import { isPortFree } from './ports.ts';
import { PROJECT_DIR } from './servers/folders.ts';
import type { StackAddresses } from './stack.ts';

const SOURCE = 'services/finance/main.ts';

test('the stack restarts what changes, opens an inspector, logs more and arms failpoints', async (t) => {
  const stack = await startByCommand(
    ...['--watch', '--inspect', 'finance', '--log-level', 'debug'],
    ...['--failpoint', 'finance:inbox.before-commit=pause:1'],
  );
  t.after(() => stack.stop());
  const inspector = stack.addresses.inspectors.finance;
  assert.match(inspector ?? '', /^127\.0\.0\.1:\d+$/);
  const targets = (await (await fetch(`http://${inspector}/json/list`)).json()) as unknown[];
  assert.equal(targets.length, 1);
  const log = await readFile(join(stack.dataDir, 'logs', 'finance-1.log'), 'utf8');
  assert.match(log, /"level":"debug"/);

  const source = join(PROJECT_DIR, SOURCE);
  const { atime, mtime } = await stat(source);
  // As if it were saved: the time changes, the text does not.
  await utimes(source, atime, new Date());
  t.after(() => utimes(source, atime, mtime));
  await until(async () => (await stack.output()).includes('finance-1 is running again'), {
    what: 'finance restarted',
  });
  assert.match(await stack.output(), new RegExp(`^${SOURCE} changed$`, 'm'));
  assert.doesNotMatch(await stack.output(), /hiring-1 is running again/);

  // SIGTERM to npm alone, as a supervisor sends it.
  assert.deepEqual(await stack.stop(), { code: 0, signal: null });
  for (const port of portsOf(stack.addresses)) assert.ok(await isPortFree(port), `port ${port}`);
});

function portsOf({ operator, services, postgres, nats }: StackAddresses): number[] {
  const processes = [operator, ...Object.values(services).flat()];
  const grpc = processes.map(({ grpc }) => splitAddress(grpc)!.port);
  const urls = [...processes.map(({ http }) => http), postgres, nats];
  return [...grpc, ...urls.map((url) => Number(new URL(url).port))];
}

test('a failpoint that does not exist ends the start, with the names that do', async () => {
  await assert.rejects(startByCommand('--failpoint', 'finance:inbox.befor-commit=kill'), {
    code: 'start_failed',
    message: /finance-1 ended before it was ready[\s\S]*inbox\.before-commit/,
  });
});
