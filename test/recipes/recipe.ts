/**
 * A recipe is a page whose code blocks say what to do: a block with a path is that file, a block that
 * begins with `diff` and a path changes a file, and a `sh` block is run. In their order. A block
 * `sh refused` is run and fails; the `text` below it is what it says.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { childEnvironment, readEnvironment } from '../../runtime/environment.ts';

const BLOCK = /^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm;
/** Of one command, on a machine that does other things as well. */
const COMMAND_LIMIT_MS = 300_000;

type Block =
  | { readonly does: 'write'; readonly path: string; readonly text: string }
  | { readonly does: 'change'; readonly path: string; readonly text: string }
  | { readonly does: 'run'; readonly command: string }
  | { readonly does: 'refuse'; readonly command: string; readonly says: string };

export function readRecipe(page: string): Block[] {
  const blocks = [...page.matchAll(BLOCK)];
  return blocks.flatMap(([, language, path, text], at): Block[] => {
    if (language === 'text') return []; // read with the command above it
    if (language === 'sh' && path === 'refused') {
      const [, below, , says] = blocks[at + 1] ?? [];
      assert.equal(below, 'text', 'what a refused command says stands below it');
      return [{ does: 'refuse', command: text!.trim(), says: says!.trim() }];
    }
    if (language === 'sh')
      return text!.split('\n').flatMap((command) => (command ? [{ does: 'run', command }] : []));
    assert.ok(path, `a block of ${language} names its file`);
    return [{ does: language === 'diff' ? 'change' : 'write', path, text: text! }];
  });
}

/** Does what the page says, in a copy of the project. */
export function followRecipe(page: string, folder: string): void {
  for (const block of readRecipe(page)) {
    if (block.does === 'run') runCommand(block.command, folder);
    else if (block.does === 'refuse') refuseCommand(block, folder);
    else if (block.does === 'write') writeNew(join(folder, block.path), block.text);
    else change(join(folder, block.path), block.text);
  }
}

function writeNew(path: string, text: string): void {
  assert.ok(!existsSync(path), `${path} is new`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function change(path: string, diff: string): void {
  writeFileSync(path, changed(readFileSync(path, 'utf8'), diff, path));
}

/** The text with one hunk applied; what it replaces must be there exactly once. */
export function changed(text: string, diff: string, path: string): string {
  const lines = diff.split('\n').slice(0, -1);
  const side = (marks: string) =>
    lines.filter((line) => marks.includes(line[0] ?? ' ')).map((line) => `${line.slice(1)}\n`);
  const whole = `\n${text}`;
  const before = `\n${side(' -').join('')}`;
  const at = whole.indexOf(before);
  assert.ok(at >= 0 && at === whole.lastIndexOf(before), `${path} has this once:${before}`);
  const after = `\n${side(' +').join('')}`;
  return `${whole.slice(0, at)}${after}${whole.slice(at + before.length)}`.slice(1);
}

/** What it prints is shown when it fails. */
function runCommand(command: string, folder: string): void {
  const { status, said } = perform(command, folder);
  assert.equal(status, 0, `${command}\n${said}`);
}

function refuseCommand({ command, says }: { command: string; says: string }, folder: string): void {
  const { status, said } = perform(command, folder);
  assert.ok(status !== 0, `${command} is refused`);
  assert.ok(said.includes(says), `${command} says: ${says}\n${said}`);
}

/** As a person does in the project's folder. */
function perform(command: string, folder: string) {
  const bin = join(folder, 'node_modules', '.bin');
  const ran = spawnSync('sh', ['-c', command], {
    cwd: folder,
    encoding: 'utf8',
    timeout: COMMAND_LIMIT_MS,
    env: childEnvironment({
      PATH: `${bin}${delimiter}${readEnvironment('PATH')}`,
      // A test runner that finds itself below another one does nothing.
      NODE_TEST_CONTEXT: undefined,
    }),
  });
  return { status: ran.status, said: `${ran.stdout}\n${ran.stderr}${ran.error ?? ''}` };
}
