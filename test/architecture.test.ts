/** The rules that keep the project the way its README says it is. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { links } from '../services/links.ts';

const ROOT = resolve(import.meta.dirname, '..');
const MAX_FILE_LINES = 400;

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const sources = listSources();
const programs = sources.filter(({ path }) => !isTest(path));

/** What the package exports, by the name it is imported by: `relink/rpc` is `rpc/index.ts`. */
const { exports: exported } = JSON.parse(read('package.json'));
const doors = new Map(
  Object.entries<string>(exported).map(([name, path]) => [join('relink', name), join(path)]),
);

/** What each top folder may import besides itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  runtime: [],
  gen: ['schemas'],
  db: ['runtime'],
  rpc: ['runtime', 'gen'],
  link: ['rpc', 'runtime', 'gen'],
  services: ['link', 'rpc', 'runtime', 'gen', 'db'],
  migration: ['link', 'rpc', 'runtime', 'gen', 'db'],
  operator: ['migration', 'link', 'rpc', 'runtime', 'gen', 'db', 'schemas'],
  demo: ['dev', 'services', 'operator', 'migration', 'link', 'rpc', 'runtime', 'gen'],
};

/**
 * Folders made of SQL: tables and changes of the schema, what services store, how a field is told
 * in two versions, what the oracle of the demo compares, what benchmarks set up, and the programs
 * that make databases.
 */
const SQL_FOLDERS = [
  /^db\//,
  /^services\/\w+\/store\//,
  /^services\/mappings\//,
  /^demo\/oracle\//,
  /^bench\//,
  /^dev\/servers\//,
];
/**
 * Files of the kit and the engine that own a table, or the question that one statement answers; and
 * what the stores of all services ask with.
 */
const SQL_FILES: readonly string[] = [
  'link/copies/effects.ts',
  'link/copies/handling.ts',
  'link/copies/results.ts',
  'link/copies/shadowRunner.ts',
  'link/erasing/columns.ts',
  'link/erasing/eraseFields.ts',
  'link/erasing/findTraces.ts',
  'link/erasing/replacePhrases.ts',
  'link/erasing/samples.ts',
  'link/inbox/days.ts',
  'link/inbox/deadLetters.ts',
  'link/inbox/deduplicate.ts',
  'link/inbox/digest.ts',
  'link/inbox/exceptions.ts',
  'link/inbox/fence.ts',
  'link/inbox/givingUp.ts',
  'link/inbox/ordered.ts',
  'link/inbox/parked.ts',
  'link/inbox/settled.ts',
  'link/outbox/closeRows.ts',
  'link/outbox/enqueue.ts',
  'link/outbox/history.ts',
  'link/outbox/openRows.ts',
  'link/outbox/state.ts',
  'link/participant/describe.ts',
  'link/participant/entity.ts',
  'link/participant/storing.ts',
  'link/pull/comparisons.ts',
  'link/pull/readings.ts',
  'link/relay/laneGate.ts',
  'link/relay/lanes.ts',
  'link/relay/relay.ts',
  'link/relay/routes.ts',
  'link/relay/standings.ts',
  'link/transport/jetStream/listening.ts',
  'link/upkeep/dayPartitions.ts',
  'link/upkeep/forget.ts',
  'migration/certificate.ts',
  'migration/signing.ts',
  'migration/engine/lease.ts',
  'migration/run/journal.ts',
  'operator/contracts/registry.ts',
  'runtime/drizzle.ts',
  'runtime/postgresCheck.ts',
  'services/managerReplicas.ts',
  'services/paging.ts',
];

test('imports go one way: operator, migration, link, runtime', () => {
  const wrong = edges().filter(({ from, to }) => {
    const allowed = MAY_IMPORT[from.folder];
    return allowed && from.folder !== to.folder && !allowed.includes(to.folder);
  });
  assert.deepEqual(wrong.map(describeEdge), []);
});

test('nothing but tests imports test or demo, and nothing but development programs imports dev', () => {
  const wrong = edges().filter(
    ({ from, to }) =>
      (to.folder === 'test' && !['dev/test.ts'].includes(from.path) && from.folder !== 'test') ||
      (to.folder === 'demo' && !['demo', 'test'].includes(from.folder)) ||
      (to.folder === 'dev' && !['dev', 'demo', 'bench', 'test'].includes(from.folder)),
  );
  assert.deepEqual(wrong.map(describeEdge), []);
});

test('a service imports the package by its name, its own folder, its own tables and generated code', () => {
  const wrong = edges().filter(({ from, to, written }) => {
    if (from.folder !== 'services' || written.startsWith('relink')) return false;
    const [, own] = from.path.split('/');
    const [folder, name, ...rest] = to.path.split('/');
    // How versions of events lead to each other belongs to the map, and so to every service.
    if (folder === 'services') return rest.length > 0 && name !== own && name !== 'mappings';
    if (folder === 'db') return to.path !== 'db/schemaChanges.ts' && name !== own;
    return folder !== 'gen';
  });
  assert.deepEqual(wrong.map(describeEdge), []);
});

test('a door of the package only passes on what other files export', () => {
  const doing = [...doors.values()].filter((path) => {
    const text = withoutComments(read(path));
    return text.replace(/export (type )?\{[^}]*\} from '[^']+';/g, '').trim() !== '';
  });
  assert.deepEqual(doing, []);
});

test('no file imports itself through others, tests and types included', () => {
  assert.deepEqual(importsInCircles(sources), []);
});

test('SQL stands only in the files that own tables', () => {
  const asking = programs.filter(({ path, text }) => !path.startsWith('gen/') && hasSql(text));
  const elsewhere = asking.map(({ path }) => path).filter((path) => !mayHaveSql(path));
  assert.deepEqual(elsewhere, []);
  const gone = SQL_FILES.filter((path) => !asking.some((one) => one.path === path));
  assert.deepEqual(gone, [], 'these have no SQL any more: take them off the list');
});

test('the link kit and the engine know no link by name', () => {
  const named = programs.filter(
    ({ path, text }) =>
      /^(link|migration)\//.test(path) && /['"`]COMM-\d{3}/.test(withoutComments(text)),
  );
  assert.deepEqual(
    named.map(({ path }) => path),
    [],
  );
});

test('every method that carries links belongs to a link of the map', () => {
  const pushed = Object.values(links).flatMap(({ consumers }) =>
    Object.values(consumers).map(({ push }) => push),
  );
  const strange = pushed
    .flatMap(({ parent }) => parent.methods)
    .filter((method) => !pushed.some((one) => one === method))
    .map(({ parent, name }) => `${parent.typeName}/${name}`);
  assert.deepEqual(strange, []);
});

test('the environment is read in one file', () => {
  const reading = programs.filter(({ text }) => /\bprocess\.env\b/.test(withoutComments(text)));
  assert.deepEqual(
    reading.map(({ path }) => path),
    ['runtime/environment.ts'],
  );
});

test('no program file is too long to read', () => {
  const long = programs.filter(
    ({ path, text }) => !path.startsWith('gen/') && text.split('\n').length > MAX_FILE_LINES,
  );
  assert.deepEqual(
    long.map(({ path }) => path),
    [],
  );
});

test('every file is named the same way', () => {
  const odd = sources.filter(({ path }) => {
    const name = path.split('/').at(-1)!;
    return !path.startsWith('gen/') && /[-_ ]/.test(name) && !name.startsWith('protoc-gen-');
  });
  assert.deepEqual(
    odd.map(({ path }) => path),
    [],
  );
});

test('docs/errors.md explains exactly the codes that the program has', () => {
  const documented = new Set(
    [...read('docs/errors.md').matchAll(/^\| `(\w+)`/gm)].map((match) => match[1]!),
  );
  const codes = new Set([
    ...quoted(section('link/inbox/delivery.ts', 'export type DeadReason')),
    ...reasons(),
    ...codedErrors().flatMap(({ codes: own }) => own),
  ]);
  assert.deepEqual(
    { undocumented: missing(codes, documented), gone: missing(documented, codes) },
    { undocumented: [], gone: [] },
  );
});

test('docs/errors.md names every class of errors with codes', () => {
  const page = read('docs/errors.md');
  const names = codedErrors().map(({ name }) => name);
  assert.deepEqual(
    names.filter((name) => !page.includes(`\`${name}\``)),
    [],
  );
});

test('every reason that a handler answers with is in a list of reasons', () => {
  const listed = reasons();
  const unlisted = programs.flatMap(({ path, text }) =>
    [...withoutComments(text).matchAll(/new RpcError\(\s*'[A-Z_]+',\s*'([A-Z_]+)'/g)]
      .filter(([, reason]) => !listed.has(reason!))
      .map(([, reason]) => `${path} answers ${reason}`),
  );
  assert.deepEqual(unlisted, []);
});

/** The subclasses of CodedError, and their codes, written in the class's own line or as a type of its file. */
function codedErrors(): { name: string; codes: string[] }[] {
  return programs.flatMap(({ path, text }) =>
    [...text.matchAll(/class (\w+) extends CodedError<([^>]+)>/g)].map(([, name, type]) => {
      const written = quoted(type!);
      const codes = written.length > 0 ? written : quoted(section(path, `export type ${type}`));
      assert.ok(codes.length > 0, `${path}: the codes of ${name} are not found`);
      return { name: name!, codes };
    }),
  );
}

/** Each owner of an API lists its own, in a constant that is named `…_REASONS`. */
function reasons(): Set<string> {
  const lists = programs.flatMap(({ text }) => [
    ...withoutComments(text).matchAll(/export const [A-Z]+_REASONS = \[([^\]]*)\]/g),
  ]);
  return new Set(lists.flatMap(([, list]) => quoted(list!)));
}

interface Edge {
  readonly from: { path: string; folder: string };
  readonly to: { path: string; folder: string };
  /** The target as the import names it. */
  readonly written: string;
}

function edges(): Edge[] {
  return programs.flatMap((source) =>
    importsOf(source).map(({ written, target }) => ({
      from: place(source.path),
      to: place(target),
      written,
    })),
  );
}

/** Imports of files of the project, by path or through a door of the package. */
function importsOf({ path, imports }: Source): { written: string; target: string }[] {
  return imports.flatMap((written) => {
    const isFile = written.startsWith('.') && written.endsWith('.ts');
    const target = isFile
      ? relative(ROOT, resolve(ROOT, dirname(path), written))
      : doors.get(written);
    return target ? [{ written, target }] : [];
  });
}

/** Files of the project that the source imports. */
function targetsOf(source: Source): string[] {
  return importsOf(source).map(({ target }) => target);
}

/** Every import of a file that leads back to the one that has it. */
function importsInCircles(all: readonly Source[]): string[] {
  const graph = new Map(all.map((source) => [source.path, targetsOf(source)]));
  const edges = [...graph].flatMap(([from, targets]) => targets.map((to) => ({ from, to })));
  return edges
    .filter(({ from, to }) => reachedFrom(graph, to).has(from))
    .map(({ from, to }) => `${from} → ${to}`);
}

const reached = new Map<string, ReadonlySet<string>>();

function reachedFrom(graph: ReadonlyMap<string, readonly string[]>, start: string) {
  const known = reached.get(start);
  if (known) return known;
  const found = new Set<string>();
  const next = [start];
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    next.push(...(graph.get(path) ?? []));
  }
  reached.set(start, found);
  return found;
}

/** A statement in a tagged template or by drizzle, or one that was built; a health check's ping is none. */
function hasSql(text: string): boolean {
  const code = withoutComments(text).replaceAll('sql`select 1`', '');
  return /(?:[sS]ql|\btx|\bproducer)(?:<[^;`]*>)?`|\.unsafe\(|from 'drizzle-orm/.test(code);
}

function mayHaveSql(path: string): boolean {
  return SQL_FILES.includes(path) || SQL_FOLDERS.some((folder) => folder.test(path));
}

function place(path: string) {
  return { path, folder: path.split('/')[0]! };
}

function describeEdge({ from, to }: Edge): string {
  return `${from.path} imports ${to.path}`;
}

function isTest(path: string): boolean {
  return path.startsWith('test/') || /\.(test|long|fixture)\.ts$/.test(path);
}

function listSources(folder = ROOT): Source[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listSources(path);
    if (!entry.name.endsWith('.ts')) return [];
    const text = readFileSync(path, 'utf8');
    const imports = [...text.matchAll(/(?:from|import) ?\(?'([^']+)'/g)].map((match) => match[1]!);
    return [{ path: relative(ROOT, path), text, imports }];
  });
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** From the declaration to the first semicolon behind it. */
function section(path: string, declaration: string): string {
  const text = withoutComments(read(path));
  const start = text.indexOf(declaration);
  return text.slice(start, text.indexOf(';\n', start));
}

function quoted(text: string): string[] {
  return [...text.matchAll(/'(\w+)'/g)].map((match) => match[1]!);
}

function missing(wanted: ReadonlySet<string>, there: ReadonlySet<string>): string[] {
  return [...wanted].filter((code) => !there.has(code)).sort();
}
