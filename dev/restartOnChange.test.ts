import assert from 'node:assert/strict';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '../test/harness/until.ts';
import { freePorts } from './ports.ts';
import { restartOnChange } from './restartOnChange.ts';
import { makeRunDir, PROJECT_DIR } from './servers/folders.ts';
import { startProgram } from './servers/processes.ts';
import { sourcesOf } from './sources.ts';

const MAIN = `
import { createServer } from 'node:http';
import { word } from './word.ts';
createServer((_, response) => response.end(word)).listen(process.env.RELINK_HTTP_PORT, '127.0.0.1');
`;

/** A small project with a program in each of two folders, both started and watched. */
async function watchTwo(t: TestContext) {
  const root = await makeRunDir('restarting');
  const said: string[] = [];
  const start = async (name: string, port: number) => {
    await mkdir(join(root, name));
    await writeFile(join(root, name, 'main.ts'), MAIN);
    await writeFile(join(root, name, 'word.ts'), `export const word: string = '${name}';\n`);
    return startProgram({
      name,
      main: join(root, name, 'main.ts'),
      env: { RELINK_HTTP_PORT: String(port) },
      logFile: join(root, 'logs', name),
      readyUrl: `http://127.0.0.1:${port}/`,
    });
  };
  await writeFile(join(root, 'package.json'), '{ "type": "module" }\n');
  const [first, second] = (await freePorts(2)) as [number, number];
  const programs = [await start('hiring', first), await start('finance', second)] as const;
  const say = (line: string) => said.push(line);
  const restarting = await restartOnChange({ programs, root, say, lookEveryMs: 20 });
  t.after(async () => {
    await restarting.stop();
    for (const program of programs) await program.stop();
    await rm(root, { recursive: true });
  });
  const word = async () => (await fetch(`http://127.0.0.1:${first}/`)).text();
  return { root, said, programs, word };
}

test('a program is restarted when a file that it loads changes, others run on', async (t) => {
  const { root, said, programs, word } = await watchTwo(t);
  const [hiring, finance] = programs;
  const pids = programs.map(({ pid }) => pid);
  await writeFile(join(root, 'hiring', 'word.ts'), "export const word = 'changed';\n");
  await until(() => said.includes('hiring is running again'), { what: 'the restart' });
  assert.equal(await word(), 'changed');
  assert.equal(said[0], 'hiring/word.ts changed');
  assert.notEqual(hiring.pid, pids[0]);
  assert.equal(finance.pid, pids[1]);
});

test('a file saved by renaming counts, and one that is imported from then on', async (t) => {
  const { root, said, word } = await watchTwo(t);
  const save = async (name: string, text: string) => {
    await writeFile(join(root, 'new'), text);
    await rename(join(root, 'new'), join(root, 'hiring', name));
  };
  await save('other.ts', "export const other = 'one';\n");
  await save('word.ts', "export { other as word } from './other.ts';\n");
  await until(() => said.includes('hiring is running again'), { what: 'the first restart' });
  assert.equal(await word(), 'one');
  await save('other.ts', "export const other = 'two';\n");
  await until(async () => (await word().catch(() => '')) === 'two', { what: 'the second restart' });
  assert.ok(said.includes('hiring/other.ts changed'));
});

test('a program that does not start is said, and started at the next change', async (t) => {
  const { root, said, programs, word } = await watchTwo(t);
  await writeFile(join(root, 'hiring', 'word.ts'), 'export const word = ;\n');
  await until(() => said.some((line) => line.includes('at the next change')), { what: 'the end' });
  assert.match(said.join('\n'), /hiring ended before it was ready[\s\S]*word\.ts/);
  assert.equal(programs[0].isRunning, false);
  await writeFile(join(root, 'hiring', 'word.ts'), "export const word = 'mended';\n");
  await until(() => said.includes('hiring is running again'), { what: 'the restart' });
  assert.equal(await word(), 'mended');
});

test('a service loads itself, the map and its schema changes, and no other service', () => {
  const loaded = [...sourcesOf('services/hiring/main.ts', PROJECT_DIR)];
  const sources = loaded.map((path) => relative(PROJECT_DIR, path));
  const has = (path: string) => sources.includes(path);
  for (const path of ['services/hiring/main.ts', 'services/links.ts', 'runtime/config.ts'])
    assert.ok(has(path), path);
  assert.ok(sources.some((path) => path.endsWith('.sql')));
  assert.deepEqual(
    sources.filter((path) => /^(services\/(bonuses|finance)|migration|operator)\//.test(path)),
    [],
  );
});
