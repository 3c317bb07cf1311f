import { NEEDS_NO_OLDER } from '../gates/closing.ts';
import { contract } from '../gates/contract.ts';
import { readsVersion, writesVersion } from '../gates/releases.ts';
import type { ClosingMeasure, Plan, PlanStep } from '../plan.ts';
import type { RouteName } from '../run/record.ts';
import type { Settings } from '../settings.ts';
import { preflight } from '../steps/preflight.ts';
import { probe } from '../steps/probe.ts';
import { retireVersion } from '../steps/retireVersion.ts';
import {
  askToComplete,
  closeOld,
  type GateOptions,
  gate,
  moveTraffic,
  numbered,
} from './transport.ts';

/** A functional link to another contract version, by the transport that it has: steps 1–6. */
export function functionalVersion(settings: Settings, from: RouteName, to: RouteName): Plan {
  const [old, other] = [`v${from.version}`, `v${to.version}`];
  return {
    name: 'functional-version',
    steps: [
      numbered('1', 'Preflight all participants and measure the baseline', preflight),
      waitForReaders('1', settings, other),
      gate('2', 'Verify that the event contract is compatible', {
        name: 'contract',
        measures: [contract],
      }),
      waitForWriters('3', settings, other),
      numbered('3', 'Probe the new route and the way back', probe),
      ...moveTraffic('4', other, settings),
      ...closeOld('5', old),
      askToComplete('6', NEEDS_NO_OLDER),
      numbered('6', `Record that ${old} is no longer carried`, retireVersion),
    ],
  };
}

/**
 * A move of the transport that moves the contract version, too: its steps, with the releases before
 * anything changes.
 */
export function withVersion(plan: Plan, settings: Settings, { version }: RouteName): Plan {
  const at = plan.steps.findIndex(({ name }) => name === 'contract');
  const { number } = plan.steps[at]!;
  const releases = [
    waitForReaders(number, settings, `v${version}`),
    waitForWriters(number, settings, `v${version}`),
  ];
  const steps = [...plan.steps.slice(0, at), ...releases, ...plan.steps.slice(at)];
  return {
    name: `${plan.name}-and-version`,
    steps: steps.map((step) => askedFor(step, NEEDS_NO_OLDER)),
  };
}

/** The step, if it is the one where a person completes, with what must be true then. */
export function askedFor(step: PlanStep, measures: readonly ClosingMeasure[]): PlanStep {
  return step.kind === 'completion' ? { ...step, measures } : step;
}

export function waitForReaders(number: string, settings: Settings, version: string): PlanStep {
  return waitForRelease(number, `Wait until every live process reads ${version}`, settings, {
    name: 'release-reads',
    measures: [readsVersion],
  });
}

export function waitForWriters(number: string, settings: Settings, version: string): PlanStep {
  const title = `Wait until every live producer process writes ${version}`;
  return waitForRelease(number, title, settings, {
    name: 'release-writes',
    measures: [writesVersion],
  });
}

/** Waits for people who release a build, which takes longer than anything else. */
export function waitForRelease(
  number: string,
  title: string,
  { release_seconds: patienceSeconds }: Settings,
  options: GateOptions,
): PlanStep {
  return gate(number, title, { ...options, patienceSeconds });
}
