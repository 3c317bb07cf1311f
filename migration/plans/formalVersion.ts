import { HOLDS_NO_OLDER } from '../gates/closing.ts';
import { contract } from '../gates/contract.ts';
import { parity, parityAsStored } from '../gates/parity.ts';
import { consumersReadVersion, ownerReadsVersion } from '../gates/releases.ts';
import type { Plan, PlanStep } from '../plan.ts';
import type { RouteName } from '../run/record.ts';
import type { Settings } from '../settings.ts';
import { backfill } from '../steps/backfill.ts';
import { eraseFields } from '../steps/erase.ts';
import { preflight } from '../steps/preflight.ts';
import { probe } from '../steps/probe.ts';
import { proveErased } from '../steps/proveErased.ts';
import { retireVersion } from '../steps/retireVersion.ts';
import { contractSchema, expandSchema } from '../steps/schema.ts';
import { restoreOld, storeNew } from '../steps/storeRows.ts';
import { askedFor, waitForReaders, waitForRelease, waitForWriters } from './contractVersion.ts';
import { askToComplete, closeOld, gate, moveTraffic, numbered } from './transport.ts';

/**
 * A formal link to a newer contract version, by the transport that it has: the steps 1–18 of its
 * description. Rows change their form on both sides; until they have, everything reads both forms.
 */
export function formalVersion(settings: Settings, from: RouteName, to: RouteName): Plan {
  const [old, other] = [`v${from.version}`, `v${to.version}`];
  const moves = moveTraffic('10', other, settings);
  return {
    name: 'formal-version',
    steps: [
      numbered('1', 'Preflight all participants and measure the baseline', preflight),
      expand('1'),
      waitForRelease('3', `Wait until every live process of the owner reads ${other}`, settings, {
        name: 'release-owner-reads',
        measures: [ownerReadsVersion],
      }),
      waitForRelease('6', `Wait until every live consumer process reads ${other}`, settings, {
        name: 'release-reads',
        measures: [consumersReadVersion],
      }),
      gate('7', 'Verify that the event contract is compatible', {
        name: 'contract',
        measures: [contract],
      }),
      waitForWriters('8', settings, other),
      numbered('9', 'Probe the new route and the way back', probe),
      numbered('9', 'Backfill rows missing from the replicas', backfill),
      gate('9', 'Verify that the replicas hold every row of the owner', {
        name: 'parity',
        measures: [parity],
      }),
      restore('10', old),
      ...moves.slice(0, -1),
      ...store('11', other),
      { ...moves.at(-1)!, number: '12' },
      ...closeOld('13', old),
      askToComplete('14', HOLDS_NO_OLDER),
      ...clean(['15', '18'], old),
    ],
  };
}

/** A move of a formal link's transport that moves its contract version, too. */
export function withFormalVersion(
  plan: Plan,
  settings: Settings,
  from: RouteName,
  to: RouteName,
): Plan {
  const [old, other] = [`v${from.version}`, `v${to.version}`];
  const before: Readonly<Record<string, (number: string) => PlanStep[]>> = {
    contract: (number) => [
      expand(number),
      waitForReaders(number, settings, other),
      waitForWriters(number, settings, other),
    ],
    'way-back': (number) => [restore(number, old)],
    soak: (number) => store(number, other),
  };
  const steps = plan.steps.flatMap((step) => [
    ...(before[step.name]?.(step.number) ?? []),
    askedFor(step, HOLDS_NO_OLDER),
  ]);
  const last = steps.at(-1)!.number;
  return {
    name: `${plan.name}-and-version`,
    steps: [...steps, ...clean([last, last], old)],
  };
}

function expand(number: string): PlanStep {
  const title = 'Make the schema changes that only add, on both sides';
  return numbered(number, title, expandSchema);
}

function restore(number: string, old: string): PlanStep {
  return numbered(number, `Set the barrier for rows stored as ${old} has them`, restoreOld);
}

function store(number: string, other: string): PlanStep[] {
  return [
    numbered(number, `Store rows on both sides as ${other} has them`, storeNew),
    gate(number, `Verify that the replicas hold every row, stored as ${other} has it`, {
      name: 'parity-as-stored',
      measures: [parityAsStored],
    }),
  ];
}

/** Steps 1–7 of the description of a version that takes fields from the consumers. */
const ERASING: Readonly<Record<string, string>> = {
  ...{ 1: '1', 3: '1', 6: '2', 7: '2', 8: '3', 9: '3', 10: '4', 11: '4', 12: '4', 13: '5' },
  ...{ 14: '6', 15: '7', 18: '7' },
};

/** The same for a version that takes fields from the consumers: what is left of them goes, too. */
export function withErasure(plan: Plan, { version }: RouteName): Plan {
  const isOwn = plan.name === 'formal-version';
  const steps = plan.steps.map((step) =>
    isOwn ? { ...step, number: ERASING[step.number]! } : step,
  );
  const { number } = steps.at(-1)!;
  const erasing = [
    numbered(number, `Erase what v${version} took away, wherever it is left`, eraseFields),
    numbered(number, 'Search everything for it, and sign that nothing is left', proveErased),
  ];
  return {
    name: `${plan.name}-with-erasure`,
    steps: [...steps.slice(0, -1), ...erasing, ...steps.slice(-1)],
  };
}

/** After `complete`. */
function clean([schema, rest]: readonly [string, string], old: string): PlanStep[] {
  return [
    numbered(schema, `Remove what only ${old} needs from both schemas`, contractSchema),
    numbered(rest, `Record that ${old} is no longer carried`, retireVersion),
  ];
}
