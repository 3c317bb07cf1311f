/**
 * What the plans that change a transport have in common. Each plan says which steps of its description
 * they are.
 */
import { ALL_LANES } from '../../link/link.ts';
import { adopted } from '../gates/adopted.ts';
import { gateCommand } from '../gates/command.ts';
import { noNewDeadLetters } from '../gates/deadLetters.ts';
import { delivered } from '../gates/delivered.ts';
import { drained } from '../gates/drained.ts';
import { errorRate } from '../gates/errorRate.ts';
import { lag } from '../gates/lag.ts';
import { latency } from '../gates/latency.ts';
import { noUnroutedWriter } from '../gates/unroutedWriter.ts';
import { STAGES, type Stage } from '../leg/lanes.ts';
import {
  type ClosingMeasure,
  COMPLETE,
  type Completion,
  type Gate,
  type Measure,
  type PlanStep,
  type Step,
  type Untitled,
  type WayBackBarrier,
} from '../plan.ts';
import type { Settings } from '../settings.ts';
import { certify } from '../steps/certify.ts';
import { routeAll, routeCanary, routeQuarter } from '../steps/route.ts';
import { wayBack } from '../steps/wayBack.ts';

/** A step under its number in the description of the migration. */
export function numbered<S extends Step | WayBackBarrier>(
  number: string,
  title: string,
  step: Untitled<S>,
) {
  return { ...step, number, title };
}

export interface GateOptions {
  readonly name: string;
  readonly measures: readonly Measure[];
  readonly windowSeconds?: number;
  readonly patienceSeconds?: number;
}

export function gate(number: string, title: string, options: GateOptions): Gate {
  return { kind: 'gate', undoTitle: '', windowSeconds: 0, number, title, ...options };
}

/** What is watched while traffic moves, of the lanes that have moved so far. */
export function trafficOf(moved: readonly number[]): Measure[] {
  return [
    adopted,
    errorRate(moved),
    lag(moved),
    latency(moved),
    noNewDeadLetters,
    noUnroutedWriter,
  ];
}

/** A canary lane, a quarter, all lanes, each watched; then the soak. */
export function moveTraffic(
  number: string,
  to: string,
  settings: Settings,
  more: readonly Measure[] = [],
): PlanStep[] {
  return [
    ...moveLanes(number, to, settings, more),
    soakOf(number, [...trafficOf(ALL_LANES), ...more], settings),
  ];
}

/** The lanes that have moved once a stage is done. */
const MOVED_BY: Record<Stage, readonly number[]> = {
  canary: STAGES.canary,
  quarter: [...STAGES.canary, ...STAGES.quarter],
  all: ALL_LANES,
};

/** A canary lane, a quarter, all lanes, each watched. */
export function moveLanes(
  number: string,
  to: string,
  settings: Settings,
  more: readonly Measure[] = [],
): PlanStep[] {
  const watch = (stage: Stage, name: string, title: string) => {
    // By `pull` nothing is delivered: what consumers read is watched instead.
    const arrived = to === 'pull' ? [] : [delivered(STAGES[stage])];
    const measures = [...trafficOf(MOVED_BY[stage]), ...arrived, ...more];
    return gate(number, title, { name, measures, windowSeconds: settings.canary_seconds });
  };
  return [
    numbered(number, 'Set the way-back barrier', wayBack),
    numbered(number, `Move the canary lane to ${to}`, routeCanary),
    watch('canary', 'watch-canary', 'Watch the canary lane'),
    numbered(number, `Move a quarter of the lanes to ${to}`, routeQuarter),
    watch('quarter', 'watch-quarter', 'Watch a quarter of the lanes'),
    numbered(number, `Move all lanes to ${to}`, routeAll),
    watch('all', 'watch-all', 'Watch all lanes'),
  ];
}

/** All lanes have moved and the way back is open; `gate_command` is asked here too. */
export function soakOf(number: string, measures: readonly Measure[], settings: Settings): Gate {
  return gate(number, 'Soak with the way back open', {
    name: 'soak',
    measures: settings.gate_command ? [...measures, gateCommand] : measures,
    windowSeconds: settings.soak_seconds,
  });
}

/** The old route is drained, fenced and certified. */
export function closeOld(number: string, what: string): PlanStep[] {
  return [
    gate(number, `Wait until ${what} is drained`, {
      name: 'drained',
      measures: [adopted, drained],
    }),
    numbered(number, 'Fence the old epochs and sign their certificates', certify),
  ];
}

export function askToComplete(
  number: string,
  measures: readonly ClosingMeasure[] = [],
): Completion {
  const title = 'Wait for relink complete, which gives up the way back';
  return { kind: 'completion', name: COMPLETE, number, title, undoTitle: '', measures };
}
