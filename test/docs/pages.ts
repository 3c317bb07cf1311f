/** Reads the project's Markdown: tables, fenced blocks, headings and links. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '..', '..');

/** Folders whose files are not written by hand. */
const FOREIGN = new Set(['node_modules', 'gen', 'third_party']);

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Every file of the project with one of these endings, relative to its root. */
export function filesEnding(endings: readonly string[], folder = ROOT): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || FOREIGN.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesEnding(endings, path);
    return endings.some((ending) => entry.name.endsWith(ending)) ? [relative(ROOT, path)] : [];
  });
}

/** The text below a heading, up to the next one of the same or a higher level. */
export function section(page: string, heading: string): string {
  const lines = read(page).split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.endsWith(` ${heading}`));
  if (start < 0) throw new Error(`${page} has no heading "${heading}"`);
  const level = lines[start]!.indexOf(' ');
  const length = lines
    .slice(start + 1)
    .findIndex((line) => /^#+ /.test(line) && line.indexOf(' ') <= level);
  return lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).join('\n');
}

/** The tables of a text, each as its rows without head; cells are trimmed. */
export function tablesIn(text: string): string[][][] {
  const blocks = text.split('\n\n').filter((block) => block.trim().startsWith('|'));
  return blocks.map((block) => block.trim().split('\n').slice(2).map(cellsOf));
}

/** The only table, or the one at `at`, below a heading of a page. */
export function tableUnder(page: string, heading: string, at = 0): string[][] {
  const table = tablesIn(section(page, heading))[at];
  if (!table) throw new Error(`${page} has no table under "${heading}"`);
  return table;
}

function cellsOf(line: string): string[] {
  const cells = line.split(/(?<!\\)\|/).slice(1, -1);
  return cells.map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** What stands between backticks in a text. */
export function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
}

/** The only fenced block that is marked so, such as `json certificate`. */
export function blockOf(page: string, mark: string): string {
  const [, found] = read(page).split(`\n\`\`\`${mark}\n`);
  if (found === undefined) throw new Error(`${page} has no block "${mark}"`);
  return found.slice(0, found.indexOf('\n```'));
}

export interface Edge {
  readonly from: string;
  readonly to: string;
}

export interface Arrow extends Edge {
  readonly label: string;
}

/** The arrows of the state diagram under a heading; one from a group is one from each of its states. */
export function stateArrows(page: string, heading: string): Arrow[] {
  const [, drawn = ''] = section(page, heading).split('stateDiagram-v2');
  const diagram = drawn.split('```')[0]!;
  const groups = new Map(
    [...diagram.matchAll(/^\s*state (\w+) \{([\s\S]*?)\}/gm)].map(([, name, inner]) => [
      name!,
      new Set(arrowsIn(inner!).flatMap(({ from, to }) => [from, to])),
    ]),
  );
  return arrowsIn(diagram).flatMap((arrow) =>
    [...(groups.get(arrow.from) ?? [arrow.from])].map((from) => ({ ...arrow, from })),
  );
}

function arrowsIn(diagram: string): Arrow[] {
  const arrows = diagram.matchAll(/^\s*(\S+) --> ([^\s:]+)(?:: (.*))?$/gm);
  return [...arrows].map(([, from, to, label = '']) => ({ from: from!, to: to!, label }));
}

/** What GitHub makes of the page's headings. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const text = read(page).replace(/^```[\s\S]*?^```/gm, '');
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The links of a page to other files or headings, without those to the web. */
export function linksOf(page: string): string[] {
  const text = read(page).replace(/^```[\s\S]*?^```/gm, '');
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** The first fenced block of a text that has no mark. */
export function blockIn(text: string): string {
  const [, found = ''] = text.split('\n```\n');
  return found;
}
