/**
 * `npm run generate`: from proto/ to gen/ (TypeScript) and schemas/ (JSON Schemas). With
 * --check it writes nothing and exits 1 when the committed files are out of date.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cleanEnvironment, readDevEnvironment } from './environment.ts';

const root = resolve(import.meta.dirname, '..');
const outputs = ['gen', 'schemas'];

interface Difference {
  file: string;
  state: 'missing' | 'stale' | 'left over';
}

function main(): number {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const fresh = mkdtempSync(join(tmpdir(), 'relink-generate-'));
  try {
    const code = runBuf(fresh);
    if (code !== 0) return code;
    const differences = compare(fresh);
    if (values.check) return report(differences);
    for (const difference of differences) apply(fresh, difference);
    console.error(`generated from proto/: ${differences.length} files changed`);
    return 0;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function runBuf(out: string): number {
  const bin = join(root, 'node_modules', '.bin');
  const { status, error } = spawnSync(join(bin, 'buf'), ['generate', '--output', out], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    // The project's own Node runs the plugins: it understands TypeScript.
    env: cleanEnvironment({ PATH: [bin, ...readDevEnvironment().path].join(delimiter) }),
  });
  if (error) console.error(`cannot run buf: ${error.message}. Run npm ci first.`);
  return status ?? 1;
}

function compare(fresh: string): Difference[] {
  const files = new Set([...listFiles(fresh), ...listFiles(root)]);
  return [...files].sort().flatMap((file): Difference[] => {
    const wanted = read(join(fresh, file));
    const present = read(join(root, file));
    if (wanted === present) return [];
    if (present === undefined) return [{ file, state: 'missing' }];
    return [{ file, state: wanted === undefined ? 'left over' : 'stale' }];
  });
}

function listFiles(folder: string): string[] {
  return outputs.flatMap((output) => globSync(`${output}/**/*.{ts,json}`, { cwd: folder }));
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

// File by file, so that unchanged files keep their time stamps.
function apply(fresh: string, { file, state }: Difference): void {
  const target = join(root, file);
  if (state === 'left over') {
    rmSync(target);
    return;
  }
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, readFileSync(join(fresh, file)));
}

function report(differences: readonly Difference[]): number {
  if (differences.length === 0) return 0;
  for (const { file, state } of differences) console.error(`${state}: ${file}`);
  console.error('gen/ and schemas/ are out of date. Run: npm run generate');
  return 1;
}

process.exitCode = main();
