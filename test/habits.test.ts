/** Licence, notices and generated files: what git and GitHub are told is so. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('NOTICE names every contract that belongs to others, with who it belongs to', () => {
  const notice = read('NOTICE');
  const vendored = globSync('third_party/**/*.proto', { cwd: ROOT });
  assert.ok(vendored.length >= 6);
  for (const path of vendored) {
    const inside = path.replace(/^third_party\/proto\//, '');
    assert.ok(notice.includes(inside), inside);
    const [, owner] = /Copyright [\d-]+ (.+)/.exec(read(path)) ?? [];
    assert.ok(notice.includes(owner!.replace(/^The /, '')), `${basename(path)}: ${owner}`);
  }
});

test('the licence of package.json is the text of LICENSE', () => {
  assert.equal(JSON.parse(read('package.json')).license, 'Apache-2.0');
  assert.match(read('LICENSE'), /Apache License\s+Version 2\.0, January 2004[\s\S]+END OF TERMS/);
});

test('git knows what is generated and what is vendored', (t) => {
  if (!existsSync(join(ROOT, '.git'))) return t.skip('no git repository');
  const ask = (attribute: string, path: string) =>
    execFileSync('git', ['check-attr', attribute, '--', path], { cwd: ROOT, encoding: 'utf8' });
  const [schema] = globSync('schemas/**/*.json', { cwd: ROOT });
  const [snapshot] = globSync('db/**/*snapshot.json', { cwd: ROOT });
  for (const path of ['gen/events.ts', schema!, snapshot!, 'package-lock.json'])
    assert.match(ask('linguist-generated', path), /: set\n$/);
  const [vendored] = globSync('third_party/**/*.proto', { cwd: ROOT });
  assert.match(ask('linguist-vendored', vendored!), /: set\n$/);
  assert.match(ask('linguist-generated', 'runtime/config.ts'), /: unspecified\n$/);
});

test('GitHub runs what .ci/run runs, with the history that the contract check needs', () => {
  const workflow = read('.github/workflows/ci.yml');
  assert.match(workflow, /- run: \.ci\/run$/m);
  assert.match(workflow, /fetch-depth: 0$/m);
  assert.match(workflow, /timeout-minutes: \d+$/m);
  const used = [...workflow.matchAll(/uses: (\S+)/g)].map((match) => match[1]!);
  for (const action of used) assert.match(action, /@[0-9a-f]{40}$/, 'pinned to a commit');
});

test('.nvmrc names the Node that the project brings', () => {
  const { devDependencies } = JSON.parse(read('package.json'));
  assert.equal(read('.nvmrc').trim(), devDependencies.node.split('.')[0]);
});
