/** Which plan moves what. To add a plan, add a file here and a line below. */

import type { LinkKind, Transport } from '../../link/link.ts';
import { MigrationError } from '../errors.ts';
import type { Plan } from '../plan.ts';
import type { RouteName } from '../run/record.ts';
import type { Settings } from '../settings.ts';
import { formalAsyncToPull } from './formalAsyncToPull.ts';
import { formalAsyncToSync } from './formalAsyncToSync.ts';
import { formalPullToAsync } from './formalPullToAsync.ts';
import { formalSyncToAsync } from './formalSyncToAsync.ts';
import { functionalAsyncToSync } from './functionalAsyncToSync.ts';
import { functionalSyncToAsync } from './functionalSyncToAsync.ts';

interface Entry {
  readonly name: string;
  readonly kind: LinkKind;
  readonly from: Transport;
  readonly to: Transport;
  readonly make: (settings: Settings) => Plan;
}

const PLANS: readonly Entry[] = [
  entry('formal', 'sync', 'async', formalSyncToAsync),
  entry('formal', 'async', 'sync', formalAsyncToSync),
  entry('formal', 'async', 'pull', formalAsyncToPull),
  entry('formal', 'pull', 'async', formalPullToAsync),
  entry('functional', 'sync', 'async', functionalSyncToAsync),
  entry('functional', 'async', 'sync', functionalAsyncToSync),
];

function entry(kind: LinkKind, from: Transport, to: Transport, make: Entry['make']): Entry {
  return { name: `${kind}-${from}-to-${to}`, kind, from, to, make };
}

export interface PlanQuestion {
  readonly kind: LinkKind;
  readonly from: RouteName;
  readonly to: RouteName;
}

/** The plan for a move. @throws MigrationError LINK_NOT_MOVABLE when there is none */
export function choosePlan({ kind, from, to }: PlanQuestion, settings: Settings): Plan {
  const entry = PLANS.find(
    (one) =>
      one.kind === kind &&
      one.from === from.transport &&
      one.to === to.transport &&
      from.version === to.version,
  );
  if (entry) return entry.make(settings);
  const what =
    from.version === to.version
      ? `from ${from.transport} to ${to.transport}`
      : `from contract v${from.version} to v${to.version}`;
  throw new MigrationError(
    'LINK_NOT_MOVABLE',
    `there is no plan that moves a ${kind} link ${what}`,
  );
}

/** The plan of a run, rebuilt to resume it; undefined when this release has no such plan. */
export function planNamed(name: string, settings: Settings): Plan | undefined {
  return PLANS.find((one) => one.name === name)?.make(settings);
}
