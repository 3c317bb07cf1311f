/** docs/architecture.md draws what is there; and every link of every page leads somewhere. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { type Cause, TRANSITIONS } from '../../link/relay/flight.ts';
import { links } from '../../services/links.ts';
import {
  anchorsOf,
  codeIn,
  type Edge,
  filesEnding,
  linksOf,
  ROOT,
  read,
  section,
  stateArrows,
  tableUnder,
} from './pages.ts';
import { RUN_STATES, runTransitions } from './runTransitions.ts';

const PAGE = 'docs/architecture.md';

test('the picture of the company has every link from its producer to its consumers', () => {
  const arrows = section(PAGE, 'The company and its links').matchAll(
    /^ +(\w+) (-->|-\.->|==>)\|(COMM-\d+)[^|]*\| (\w+)$/gm,
  );
  const drawn = [...arrows].map(([, from, arrow, id, to]) => `${from} ${arrow} ${id} ${to}`);
  const expected = Object.values(links).flatMap(({ id, producer, consumers, starts, ordered }) =>
    Object.keys(consumers).map((to) => {
      const arrow = starts.transport === 'async' ? '-.->' : ordered ? '==>' : '-->';
      return `${producer} ${arrow} ${id} ${to}`;
    }),
  );
  assert.deepEqual(drawn, expected);
});

test('a flight changes its state for the causes of the table and no other', () => {
  const shown = tableUnder(PAGE, 'A flight').map(([cause, from, to]) => [
    ...codeIn(cause!),
    { from: codeIn(from!), to: codeIn(to!)[0] },
  ]);
  assert.deepEqual(shown, Object.entries(TRANSITIONS));
});

test('what is drawn of a flight is in the table, and every cause and state is drawn', () => {
  const arrows = stateArrows(PAGE, 'A flight').filter(({ label }) => label !== '');
  for (const { from, to, label } of arrows) {
    const transition: (typeof TRANSITIONS)[Cause] | undefined = TRANSITIONS[label as Cause];
    const isAllowed = transition?.from.some((one) => one === from) && transition.to === to;
    assert.ok(isAllowed, `${label}: ${from} → ${to}`);
  }
  const causes = new Set(arrows.map(({ label }) => label));
  assert.deepEqual([...causes].sort(), Object.keys(TRANSITIONS).sort());
  const union = unionOf('link/relay/flight.ts', 'FlightState');
  assert.deepEqual([...statesOf(arrows)].sort(), union.sort());
});

test('a run has the states that are drawn, and passes between them as drawn', () => {
  const arrows = stateArrows(PAGE, 'A run');
  assert.deepEqual([...statesOf(arrows)].sort(), [...RUN_STATES].sort());
  assert.deepEqual([...RUN_STATES].sort(), unionOf('migration/run/record.ts', 'RunState').sort());
  const drawn = arrows.filter(({ from, to }) => from !== '[*]' && to !== '[*]');
  assert.deepEqual(namesOf(drawn), namesOf(runTransitions()));
});

test('the states of a step are there', () => {
  const named = codeIn(section(PAGE, 'A run').split('```')[2] ?? '');
  assert.deepEqual(named.sort(), unionOf('migration/run/record.ts', 'StepState').sort());
});

test('folders import only what the page allows them', () => {
  const allowed = new Map(
    tableUnder(PAGE, 'Layers').map(([folder, , others]) => [
      codeIn(folder!)[0]!.replace('/', ''),
      codeIn(others!),
    ]),
  );
  const wrong = filesEnding(['.ts'])
    .filter((path) => !/\.(test|long|fixture)\.ts$/.test(path))
    .flatMap(importsOf)
    .filter(({ from, to }) => {
      const own = from.split('/')[0]!;
      return to !== own && allowed.has(own) && !allowed.get(own)!.includes(to);
    });
  assert.deepEqual(wrong, []);
  assert.ok(allowed.size >= 8);
});

test('what the page says is found somewhere is there', () => {
  const places = tableUnder(PAGE, 'Where to find things').flatMap(([, where]) => codeIn(where!));
  assert.deepEqual(
    places.filter((place) => !existsSync(join(ROOT, place))),
    [],
  );
});

test('every link of every page leads to a file, and to a heading of it', () => {
  const pages = filesEnding(['.md']);
  const all = pages.flatMap((page) => linksOf(page).map((target) => ({ page, target })));
  assert.ok(all.length > 50, `only ${all.length} links found`);
  assert.deepEqual(
    all.filter(({ page, target }) => !leadsSomewhere(page, target)),
    [],
  );
});

function leadsSomewhere(page: string, target: string): boolean {
  const [path, anchor] = target.split('#') as [string, string?];
  const file = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(ROOT, file))) return false;
  return anchor === undefined || anchorsOf(file).has(decodeURIComponent(anchor));
}

function statesOf(arrows: readonly Edge[]): ReadonlySet<string> {
  const ends = arrows.flatMap(({ from, to }) => [from, to]);
  return new Set(ends.filter((state) => state !== '[*]'));
}

function namesOf(arrows: readonly Edge[]): string[] {
  return arrows.map(({ from, to }) => `${from} → ${to}`).sort();
}

/** The members of a union of texts, read from its declaration: types leave nothing to ask at run time. */
function unionOf(path: string, name: string): string[] {
  const [, declared = ''] = new RegExp(`export type ${name} =([^;]*);`).exec(read(path)) ?? [];
  return [...declared.matchAll(/'([a-z_]+)'/g)].map((match) => match[1]!);
}

function importsOf(path: string): Edge[] {
  const targets = [...read(path).matchAll(/(?:from|import) ?\(?'(\.[^']+\.ts)'/g)];
  return targets.map(([, target]) => ({
    from: path,
    to: relative(ROOT, resolve(ROOT, dirname(path), target!)).split('/')[0]!,
  }));
}
