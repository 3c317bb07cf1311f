/**
 * `node dev/breaking.ts`: finds what this working tree breaks against the last commit of main
 * before it, by `buf breaking` (APIs by FILE, events by WIRE_JSON, see buf.yaml), by comparing the
 * JSON Schema of each event version in both directions, and by comparing the rules of every field of
 * every request. Exits 0 when nothing breaks or there is nothing to compare.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { compareSchemas } from '../link/contracts/compatibility.ts';
import type { JsonSchema } from '../link/contracts/jsonSchema.ts';
import { reviewedRules } from './reviewedRules.ts';
import { findTightened } from './tightenedRules.ts';

const root = resolve(import.meta.dirname, '..');
const buf = join(root, 'node_modules', '.bin', 'buf');

/** Contracts that others own: their changes are not checked here. */
const vendored = join('third_party', 'proto');

/** Names of main: a fresh CI clone often has it only as a remote branch. */
const mainNames = ['main', 'origin/main'];

function main(): number {
  const base = findBase();
  if (base === undefined) {
    console.error('nothing to compare: this clone has no earlier commit of main with proto/');
    return 0;
  }
  console.error(`comparing with ${base.slice(0, 12)}`);
  const broken = [...checkProtos(base), checkSchemas(base) !== 0];
  if (!broken.includes(true)) return 0;
  console.error('A contract in use must not change: add a new version beside it instead.');
  return 1;
}

/**
 * On a branch, the commit where it left main. On main itself, HEAD while proto/ has uncommitted
 * changes, else the commit before. Undefined when the clone is too shallow or the commit has no
 * proto/.
 */
function findBase(): string | undefined {
  const head = resolveCommit('HEAD');
  const tip = mainNames.map(resolveCommit).find((commit) => commit !== undefined);
  if (head === undefined || tip === undefined) return undefined;
  const fork = git('merge-base', tip, head);
  const isOnMain = fork === head;
  const base = isOnMain && !hasChanges() ? resolveCommit('HEAD~1') : fork;
  return base && git('cat-file', '-t', `${base}:proto`) === 'tree' ? base : undefined;
}

function hasChanges(): boolean {
  return git('status', '--porcelain', '--', 'proto', 'schemas', 'buf.yaml') !== '';
}

function resolveCommit(name: string): string | undefined {
  return git('rev-parse', '--verify', '--quiet', `${name}^{commit}`);
}

/** Whether messages and methods broke, and whether rules of requests did. */
function checkProtos(base: string): boolean[] {
  const folder = mkdtempSync(join(tmpdir(), 'relink-breaking-'));
  try {
    extractContracts(base, folder);
    const { status, stdout, stderr } = run(buf, ['breaking', '--against', folder]);
    process.stderr.write(`${stdout}${stderr}`);
    return [status !== 0, checkRules(folder)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkRules(folder: string): boolean {
  const tightened = findTightened(readApis(folder), readApis(root)).filter(
    ({ field, rule }) =>
      !reviewedRules.some((reviewed) => reviewed.field === field && reviewed.rule === rule),
  );
  for (const { field, rule, problem } of tightened)
    console.error(
      `${field}: ${rule} is stricter (${problem}): callers of before are refused. Keep the old ` +
        'rule; or, when nobody can be, name it in dev/reviewedRules.ts',
    );
  return tightened.length > 0;
}

function readApis(folder: string): FileRegistry {
  const image = join(mkdtempSync(join(tmpdir(), 'relink-apis-')), 'image.binpb');
  try {
    const { status, stderr } = run(buf, ['build', folder, '--output', image]);
    if (status !== 0) throw new Error(`cannot build the contracts of ${folder}: ${stderr}`);
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(image)));
  } finally {
    rmSync(dirname(image), { recursive: true, force: true });
  }
}

/**
 * Our contracts as the base had them, in the modules of this working tree: buf compares module by
 * module. The vendored ones are this tree's on both sides, wherever the base kept them.
 */
function extractContracts(base: string, folder: string): void {
  // Not buf's own `.git#ref=`: in a linked worktree .git is a file.
  const archive = join(folder, 'base.tar');
  git('archive', '--output', archive, base, 'proto');
  const { status, stderr } = run('tar', ['-xf', archive, '-C', folder]);
  if (status !== 0) throw new Error(`cannot extract the contracts of ${base}: ${stderr}`);
  for (const file of globSync('**/*.proto', { cwd: join(root, vendored) }))
    rmSync(join(folder, 'proto', file), { force: true });
  cpSync(join(root, vendored), join(folder, vendored), { recursive: true });
  cpSync(join(root, 'buf.yaml'), join(folder, 'buf.yaml'));
}

/** The number of schema files of the base that are gone or no longer compatible. */
function checkSchemas(base: string): number {
  const files = git('ls-tree', '--name-only', base, 'schemas/')?.split('\n').filter(Boolean) ?? [];
  return files.filter((file) => !isCompatible(base, file)).length;
}

function isCompatible(base: string, file: string): boolean {
  const older = JSON.parse(git('show', `${base}:${file}`)!) as JsonSchema;
  if (!existsSync(join(root, file))) {
    console.error(`${file} is gone`);
    return false;
  }
  const newer = JSON.parse(readFileSync(join(root, file), 'utf8')) as JsonSchema;
  const problems = compareSchemas(older, newer);
  for (const { pointer, verdict } of problems) console.error(`${file}#${pointer}: ${verdict}`);
  return problems.length === 0;
}

/** The trimmed output of a git command; undefined when it fails. */
function git(...args: string[]): string | undefined {
  const { status, stdout } = run('git', args);
  return status === 0 ? stdout.trim() : undefined;
}

function run(command: string, args: string[]): SpawnSyncReturns<string> {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (result.error) throw new Error(`cannot run ${command}`, { cause: result.error });
  return result;
}

process.exitCode = main();
