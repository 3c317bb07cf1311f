/** Every command that README, CONTRIBUTING and docs show exists, with its options. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { readStartOptions } from '../dev/startOptions.ts';
import { findTestFiles, readTestOptions } from '../dev/testOptions.ts';
import '../link/kit.ts';
import { createProgram } from '../operator/cli/program.ts';
import { armFailpoints, disarmFailpoints } from '../runtime/failpoints.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...pagesIn('docs')];

interface Shown {
  readonly page: string;
  readonly command: string;
}

test('every relink command in README, CONTRIBUTING and docs is one, with options it knows', () => {
  const program = createProgram('0', () => {
    throw new Error('not run here');
  });
  const shown = commands(/(?:^|`)(?:npx )?relink ([a-z][^`#\n]*)/gm);
  assert.ok(shown.length > 10, `only ${shown.length} commands found`);
  const wrong = shown.filter(({ command }) => !isKnown(program as never, command.split(/\s+/)));
  assert.deepEqual(wrong, []);
});

test('every npm script in README, CONTRIBUTING and docs is one', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const shown = commands(/(?:^|`|&& )npm (?:run )?([a-z:]+)\b/gm).map(({ command }) => command);
  const builtIn = ['ci', 'i', 'install'];
  const wrong = shown.filter((name) => !(name in scripts) && !builtIn.includes(name));
  assert.deepEqual(wrong, []);
});

test('npm start, npm run dev and npm test take the arguments that the pages give them', () => {
  const shown = commands(/(?:^|`|&& )npm ((?:start|test|run dev)(?: [^`#\n]*)?)/gm);
  const wrong = shown.flatMap(({ page, command }) => {
    const [, script, text = ''] = /^(start|test|run dev)(?: --(?: (.*))?)?\s*$/.exec(command) ?? [];
    // Where a person puts what they mean, any value of the right kind is taken.
    const args = splitArguments(text.replace(/\b(DIR|…)/g, 'some'));
    try {
      if (script === undefined) throw new Error('not a call of npm with arguments behind --');
      if (script !== 'test') readStartOptions(args.map((arg) => (arg === 'N' ? '1' : arg)));
      else if (findTestFiles(ROOT, readTestOptions(args)).length === 0) throw new Error('no file');
      return [];
    } catch (error) {
      return [`${page}: npm ${command}: ${(error as Error).message}`];
    }
  });
  assert.ok(shown.length > 10, `only ${shown.length} commands found`);
  assert.deepEqual(wrong, []);
});

test('failpoints that docs/development.md arms are declared', () => {
  const page = readFileSync(join(ROOT, 'docs', 'development.md'), 'utf8');
  const armed = [...page.matchAll(/--failpoint [a-z]+:([a-z.-]+=\S+)/g)].map((match) => match[1]!);
  assert.ok(armed.length >= 2);
  armFailpoints(armed.join(','));
  disarmFailpoints();
});

test('every file that README, CONTRIBUTING and docs name is there', () => {
  const named = PAGES.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map((m) => join(dirname(page), m[1]!));
    const paths = [...text.matchAll(/`((?:[a-z]+\/)+[A-Za-z]+\.(?:ts|proto|md))`/g)];
    return [...links, ...paths.map((match) => match[1]!)].map((path) => ({ page, path }));
  });
  assert.ok(named.length > 20, `only ${named.length} files found`);
  assert.deepEqual(
    named.filter(({ path }) => !existsSync(join(ROOT, path))),
    [],
  );
});

function commands(pattern: RegExp): Shown[] {
  return PAGES.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    return [...text.matchAll(pattern)].map((match) => ({ page, command: match[1]!.trim() }));
  });
}

interface CommandNode {
  readonly commands: readonly CommandNode[];
  readonly options: readonly { long?: string | null }[];
  readonly parent: CommandNode | null;
  name(): string;
}

function isKnown(root: CommandNode, words: readonly string[]): boolean {
  let at = root;
  const rest = [...words];
  for (let next = childOf(at, rest[0]); next; next = childOf(at, rest[0])) {
    at = next;
    rest.shift();
  }
  const options = [...at.options, ...root.options].map((option) => option.long);
  const used = rest.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0]);
  return at !== root && used.every((option) => options.includes(option));
}

function childOf(command: CommandNode, name: string | undefined): CommandNode | undefined {
  return command.commands.find((one) => one.name() === name);
}

function pagesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

/** `--name "a free port" dev` → three arguments. */
function splitArguments(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]!);
}
