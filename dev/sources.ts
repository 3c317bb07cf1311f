/** Which files of the project a program loads: what must restart it when it changes. */

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Static imports and re-exports, and dynamic imports of a fixed path. */
const IMPORT = /(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g;
/** Reads the SQL files beside it when a process starts. */
const SCHEMA_CHANGES = 'db/schemaChanges.ts';

/**
 * Absolute paths of everything that `main` loads from `root`, itself and schema changes included.
 */
export function sourcesOf(main: string, root: string): Set<string> {
  const found = new Set<string>();
  const open = [resolve(root, main)];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    open.push(...importsOf(path));
  }
  if (!found.has(join(root, SCHEMA_CHANGES))) return found;
  const changes = globSync('db/**/*.sql', { cwd: root });
  return new Set([...found, ...changes.map((path) => join(root, path))]);
}

function importsOf(path: string): string[] {
  if (!/\.[jt]s$/.test(path) || !existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(IMPORT)].flatMap(([, specifier]) => locate(specifier!, path) ?? []);
}

/** A file of the project, by a relative path or through the project's own package name. */
function locate(specifier: string, from: string): string | undefined {
  if (specifier.startsWith('.')) return resolve(dirname(from), specifier);
  if (!/^relink(\/|$)/.test(specifier)) return undefined;
  try {
    return fileURLToPath(import.meta.resolve(specifier));
  } catch {
    return undefined; // the program will say so when it starts
  }
}

/** A path as people write it. */
export function shownPath(path: string, root: string): string {
  return relative(root, path);
}
