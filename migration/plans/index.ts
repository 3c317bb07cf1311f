/** Which plan moves what. To add a plan, add a file here and a line below. */

import type { LinkKind, Transport } from '../../link/link.ts';
import { MigrationError } from '../errors.ts';
import type { Plan } from '../plan.ts';
import { nameRoute, type RouteName, type RunRecord } from '../run/record.ts';
import type { Settings } from '../settings.ts';
import { functionalVersion, withVersion } from './contractVersion.ts';
import { forEachLink } from './eachLink.ts';
import { formalAsyncToPull } from './formalAsyncToPull.ts';
import { formalAsyncToSync } from './formalAsyncToSync.ts';
import { formalPullToAsync } from './formalPullToAsync.ts';
import { formalSyncToAsync } from './formalSyncToAsync.ts';
import { formalVersion, withErasure, withFormalVersion } from './formalVersion.ts';
import { functionalAsyncToSync } from './functionalAsyncToSync.ts';
import { functionalSyncToAsync } from './functionalSyncToAsync.ts';

interface Entry {
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
  return { kind, from, to, make };
}

export interface PlanQuestion {
  readonly kind: LinkKind;
  readonly from: RouteName;
  readonly to: RouteName;
  /** The newer version takes fields from the consumers, which the owner keeps. */
  readonly takesFields?: boolean;
}

/** The plan for a move. @throws MigrationError LINK_NOT_MOVABLE when there is none */
export function choosePlan(question: PlanQuestion, settings: Settings): Plan {
  const { kind, from, to } = question;
  const plan = findPlan(question, settings);
  if (plan) return plan;
  const what =
    from.version === to.version
      ? `from ${from.transport} to ${to.transport}`
      : `from ${nameRoute(from)} to ${nameRoute(to)}`;
  throw new MigrationError(
    'LINK_NOT_MOVABLE',
    `there is no plan that moves a ${kind} link ${what}${whyNot(question)}`,
  );
}

/** Rows of a formal link have the form of one version, and the older one is contracted away. */
function whyNot({ kind, from, to }: PlanQuestion): string {
  if (kind !== 'formal' || to.version >= from.version) return '';
  return (
    `: \`complete\` removed what v${to.version} needs from both schemas. Before it, \`relink rollback\` ` +
    `goes back; after it, write a v${from.version + 1} that has what v${to.version} had`
  );
}

function findPlan(question: PlanQuestion, settings: Settings): Plan | undefined {
  const plan = findWithout(question, settings);
  const { kind, from, to, takesFields } = question;
  const erases = kind === 'formal' && takesFields && to.version > from.version;
  return plan && erases ? withErasure(plan, to) : plan;
}

function findWithout({ kind, from, to }: PlanQuestion, settings: Settings): Plan | undefined {
  const isSameVersion = from.version === to.version;
  if (from.transport === to.transport)
    return isSameVersion ? undefined : findVersionPlan(kind, settings, from, to);
  const entry = PLANS.find(
    (one) => one.kind === kind && one.from === from.transport && one.to === to.transport,
  );
  const plan = entry?.make(settings);
  if (!plan || isSameVersion) return plan;
  if (kind === 'functional') return withVersion(plan, settings, to);
  // By `pull` there are no rows at the consumer, or none that it reads.
  const isPull = [from, to].some(({ transport }) => transport === 'pull');
  if (isPull || isOlder(from, to)) return undefined;
  return withFormalVersion(plan, settings, from, to);
}

function findVersionPlan(kind: LinkKind, settings: Settings, from: RouteName, to: RouteName) {
  if (kind === 'functional') return functionalVersion(settings, from, to);
  return from.transport === 'pull' || isOlder(from, to)
    ? undefined
    : formalVersion(settings, from, to);
}

/** What a formal link's older version needs was removed when the newer one was completed. */
function isOlder(from: RouteName, to: RouteName): boolean {
  return to.version < from.version;
}

/** The plan of a run, rebuilt to resume it; undefined when this release has no such plan. */
export function planOf(
  run: Pick<RunRecord, 'plan' | 'from' | 'to' | 'settings' | 'others'>,
): Plan | undefined {
  const kinds: readonly LinkKind[] = ['formal', 'functional'];
  const plan = kinds
    .flatMap((kind) => [false, true].map((takesFields) => ({ ...run, kind, takesFields })))
    .map((question) => findPlan(question, run.settings))
    .find((one) => one?.name === run.plan);
  return plan && run.others.length > 0 ? forEachLink(plan) : plan;
}
