/** docs/migrations.md says what the plans do: each step under its number, name and title. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import type { LinkDefinition, LinkKind, Transport } from '../../link/link.ts';
import { versionsOf } from '../../link/versions.ts';
import { MigrationError } from '../../migration/errors.ts';
import { type Plan, recordedKind } from '../../migration/plan.ts';
import { choosePlan } from '../../migration/plans/index.ts';
import { parseSettings } from '../../migration/settings.ts';
import { links } from '../../services/links.ts';
import { codeIn, ROOT, read, section, tablesIn, tableUnder } from './pages.ts';

const PAGE = 'docs/migrations.md';
const TRANSPORTS: readonly Transport[] = ['sync', 'async', 'pull'];
const plans = everyPlan();

test('there is a part for each plan, and no other', () => {
  const parts = [...read(PAGE).matchAll(/^Plan `([^`]+)`/gm)].map(([, name]) => name!);
  assert.deepEqual(parts.sort(), plans.map(({ name }) => name).sort());
});

for (const plan of plans) {
  test(`${plan.name}: its steps are those of the page, in their order`, () => {
    const steps = tablesIn(partOf(plan))[1]!;
    const expected = plan.steps.map((step) => {
      const mark = recordedKind(step) === 'gate' ? '◇ ' : '';
      return [step.number, `${mark}\`${step.name}\``, step.title, step.undoTitle];
    });
    assert.deepEqual(steps, expected, `the table should be:\n${asMarkdown(expected)}`);
  });

  test(`${plan.name}: every number is described, and every described number has a step`, () => {
    const described = tablesIn(partOf(plan))[0]!;
    const numbers = described.map(([number]) => number!);
    const used = new Set(plan.steps.map(({ number }) => number));
    assert.deepEqual(
      [...used].filter((number) => !numbers.includes(number)),
      [],
      'numbers of steps that the page does not describe',
    );
    const stepless = described.filter(([number]) => !used.has(number!));
    assert.deepEqual(
      stepless.filter(([, what]) => !what!.startsWith('No step')),
      [],
      'numbers that the page describes and no step has',
    );
    assert.deepEqual(
      numbers.map(Number).sort((a, b) => a - b),
      numbers.map((_, at) => at + 1),
    );
  });
}

test('plans cite as many steps of their description as it has', () => {
  const citing = globSync('migration/plans/*.ts', { cwd: ROOT }).flatMap((path) => {
    const [, last] = /the steps 1–(\d+) of its description/.exec(textOf(path)) ?? [];
    return last ? [{ name: kebab(basename(path, '.ts')), last: Number(last) }] : [];
  });
  assert.ok(citing.length > 0);
  for (const { name, last } of citing) {
    const plan = plans.find((one) => one.name === name);
    assert.ok(plan, name);
    assert.equal(tablesIn(partOf(plan))[0]!.length, last, name);
  }
});

test('every link is there with the plans that can move it', () => {
  const rows = tableUnder(PAGE, 'Which link moves how');
  const seen = rows.map(([id, kind, from, to, moves]) => ({
    ...{ id, kind, from, to },
    plans: codeIn(moves!).sort(),
  }));
  const expected = Object.values(links).map((link) => ({
    ...{ id: link.id, kind: link.kind, from: link.producer },
    to: Object.keys(link.consumers).join(', '),
    plans: plansOf(link).sort(),
  }));
  assert.deepEqual(seen, expected);
});

test('a link that may not be moved is there with the reason', () => {
  const refused = section(PAGE, 'What is refused, and why');
  for (const { id, immovableReason } of Object.values(links))
    if (immovableReason)
      assert.ok(refused.includes(`| ${id} `) && refused.includes(immovableReason));
});

test('every measure of a gate is there, and no other', () => {
  const settings = parseSettings({ gate_command: 'true' });
  const measures = everyPlan(settings).flatMap(({ steps }) =>
    steps.flatMap((step) => (step.kind === 'gate' ? step.measures : [])),
  );
  const expected = new Map(measures.map(({ name, unanswered }) => [`\`${name}\``, unanswered]));
  const rows = tableUnder(PAGE, 'Gates');
  assert.deepEqual(rows.map(([name]) => name).sort(), [...expected.keys()].sort());
  for (const [name, , late] of rows) assert.equal(late!.split(' ')[0], expected.get(name!), name);
});

function partOf(plan: Plan): string {
  const parts = read(PAGE).split(/^## /m);
  return parts.find((part) => part.includes(`\nPlan \`${plan.name}\``)) ?? '';
}

function everyPlan(settings = parseSettings({})): Plan[] {
  const kinds: readonly LinkKind[] = ['formal', 'functional'];
  const transports = kinds.flatMap((kind) =>
    TRANSPORTS.flatMap((from) =>
      TRANSPORTS.flatMap((to) => planFor(kind, from, to, settings) ?? []),
    ),
  );
  const [from, to] = [0, 1].map((version) => ({ transport: 'sync', version }) as const);
  const versions = kinds.map((kind) => choosePlan({ kind, from: from!, to: to! }, settings));
  const kind = 'formal';
  const taking = choosePlan({ kind, from: from!, to: to!, takesFields: true }, settings);
  return [...transports, ...versions, taking];
}

function planFor(kind: LinkKind, from: Transport, to: Transport, settings = parseSettings({})) {
  const [start, target] = [
    { transport: from, version: 0 },
    { transport: to, version: 0 },
  ];
  try {
    return choosePlan({ kind, from: start, to: target }, settings);
  } catch (error) {
    if (error instanceof MigrationError) return undefined;
    throw error;
  }
}

function plansOf(link: LinkDefinition): string[] {
  const { kind, transports } = link;
  const ofTransports = transports.flatMap((from) =>
    transports.flatMap((to) => planFor(kind, from, to)?.name ?? []),
  );
  return [...ofTransports, ...versionPlansOf(link)];
}

/** The plan of each step from a contract version to the next; one version may take fields away. */
function versionPlansOf(link: LinkDefinition): string[] {
  const { kind, starts, mappings = [] } = link;
  const { transport } = starts;
  const names = versionsOf(link).flatMap((version, at, all) => {
    if (at === 0) return [];
    const taken = mappings.filter(({ newer }) => newer.version === version);
    const takesFields = taken.some(({ complement }) => complement.length > 0);
    const [from, to] = [all[at - 1]!, version].map((one) => ({ transport, version: one }));
    return choosePlan({ kind, from: from!, to: to!, takesFields }, parseSettings({})).name;
  });
  return [...new Set(names)];
}

function asMarkdown(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8').replace(/\s*\n\s*\*\s*/g, ' ');
}
