/** What `npm start`, `npm test` and the others do before their program runs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import packageJson from '../package.json' with { type: 'json' };
import { PROJECT_DIR } from './servers/folders.ts';

const BEGINNING = 'exec node --import ./dev/requireNode.js ';
const OLD_NODE = `data:text/javascript,Object.defineProperty(process, 'versions', {
  value: { ...process.versions, node: '20.1.0' },
})`;

const programs = Object.entries(packageJson.scripts).filter(([, script]) => /\.ts\b/.test(script));

for (const [name, script] of programs)
  test(`npm run ${name} checks Node first, and has no shell that would keep signals back`, () => {
    assert.ok(script.startsWith(BEGINNING), script);
  });

test('on an old Node a script ends with one sentence and what to do', () => {
  const [, ...args] = BEGINNING.trim().split(' ').slice(1);
  const all = ['--import', OLD_NODE, ...args, 'dev/start.ts', '--help'];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, {
    cwd: PROJECT_DIR,
    encoding: 'utf8',
  });
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /^relink needs Node 24, this is 20\.1\.0, .+\nRun npm ci .+\n$/);
});
