/**
 * Loaded before every test file by the runner: ends a file that does not end by itself, and says
 * what keeps it. Node's own limit fails a test, but leaves its process running for ever.
 */

import { relative } from 'node:path';
import { after } from 'node:test';
import { readEnvironment } from '../../runtime/environment.ts';

/**
 * Clients close their sockets, and servers are given back, after the last test. Above the limits of
 * these: whoever does not give back is named by them.
 */
const AFTER_LAST_TEST_MS = 90_000;
const DEFAULT_FILE_LIMIT_MS = 300_000;

// The runner process loads this too; only its children run test files.
if (readEnvironment('NODE_TEST_CONTEXT')) {
  const limitMs = Number(readEnvironment('RELINK_TEST_FILE_LIMIT_MS') ?? DEFAULT_FILE_LIMIT_MS);
  setTimeout(() => giveUp(`does not end within ${limitMs / 1000} s`), limitMs).unref();
  after(() => {
    const reason = `still runs ${AFTER_LAST_TEST_MS / 1000} s after its last test`;
    setTimeout(() => giveUp(reason), AFTER_LAST_TEST_MS).unref();
  });
}

function giveUp(reason: string): never {
  const file = relative(process.cwd(), process.argv[1] ?? '');
  const open = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout');
  process.stderr.write(`${file} ${reason}; it waits for: ${open.join(', ') || 'timers'}\n`);
  process.exit(1);
}
