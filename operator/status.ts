/**
 * Runs as `relink status` shows them: which step, what it waits for, what comes next, how to undo.
 */

import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  CertificateSchema,
  PlanResponseSchema,
  RunSchema,
  RunStatusSchema,
  RunStepSchema,
  WaitingSchema,
} from '../gen/relink/v1/operator_pb.ts';
import type { Certificate } from '../migration/certificate.ts';
import { summaryOf } from '../migration/certificateCheck.ts';
import { UNDO_SINCE } from '../migration/engine/context.ts';
import { type Plan, recordedKind } from '../migration/plan.ts';
import type { KeptEvidence } from '../migration/run/journalRows.ts';
import { isWayBackGone } from '../migration/run/life.ts';
import { linksOf } from '../migration/run/links.ts';
import { sayWayBack } from '../migration/run/losses.ts';
import {
  isEnded,
  type MovedLink,
  nameRoute,
  type RunRecord,
  type RunWithSteps,
  type StepRecord,
} from '../migration/run/record.ts';
import type { Move } from '../migration/run/starting.ts';
import { describeSettings, type Settings } from '../migration/settings.ts';

export function statusToWire(
  { run, steps }: RunWithSteps,
  evidence: readonly KeptEvidence[],
): MessageInitShape<typeof RunStatusSchema> {
  const waiting = waitingOf(run, steps);
  return {
    run: runToWire(run),
    steps: steps.map((step) => stepToWire(step, evidence)),
    ...(waiting ? { waiting } : {}),
  };
}

export function runToWire(run: RunRecord): MessageInitShape<typeof RunSchema> {
  const { id, link, consumer, state, wayBack, startedAt, endedAt, actor, problem } = run;
  return {
    id,
    link,
    consumer,
    state,
    wayBack,
    startedAt,
    actor,
    problem,
    from: routeText(run.from, run.to),
    to: routeText(run.to, run.from),
    endedAt: endedAt ?? '',
    links: linksOf(run).map((moved) => moved.link),
  };
}

/** What differs between the two: the transport, or the contract version. */
function routeText(route: RunRecord['to'], other: RunRecord['to']): string {
  return route.transport === other.transport ? `v${route.version}` : route.transport;
}

/** For a step that is being or was undone, the times of its undo. */
function timesOf({ state, checkpoint, startedAt, endedAt }: StepRecord) {
  const undoSinceMs = checkpoint[UNDO_SINCE];
  if (state !== 'undoing' && state !== 'undone')
    return { startedAt: startedAt ?? '', endedAt: endedAt ?? '' };
  const since = typeof undoSinceMs === 'number' ? new Date(undoSinceMs).toISOString() : startedAt;
  return { startedAt: since ?? '', endedAt: state === 'undone' ? (endedAt ?? '') : '' };
}

function stepToWire(
  step: StepRecord,
  evidence: readonly KeptEvidence[],
): MessageInitShape<typeof RunStepSchema> {
  const { name, number, kind, state, undo, position } = step;
  return {
    name,
    number,
    kind,
    state,
    undo,
    title: `${number}. ${step.title}`,
    ...timesOf(step),
    done: BigInt(step.done),
    total: BigInt(step.total),
    evidence: evidence
      .filter((one) => one.position === position)
      .map(({ at, verdict, what, value, threshold }) => ({ at, verdict, what, value, threshold })),
  };
}

function waitingOf(
  run: RunRecord,
  steps: readonly StepRecord[],
): MessageInitShape<typeof WaitingSchema> | undefined {
  if (isEnded(run)) return undefined;
  const isBack = run.direction === 'back';
  const rest = {
    next: isBack ? nextUndoOf(steps) : (nextOf(run, steps)?.title ?? 'the end'),
    undo: isBack || isWayBackGone({ run, steps }) ? '' : `relink rollback ${run.id}`,
  };
  const { gate, value, threshold, since } = run.waiting ?? NOT_RECORDED;
  if (run.state === 'paused') {
    const pausedSince = gate === 'resume' ? since : '';
    const why = run.problem || 'paused by a person';
    return { gate: 'resume', value: why, since: pausedSince, ...rest };
  }
  return run.waiting ? { gate, value, threshold, since, ...rest } : undefined;
}

const NOT_RECORDED = { gate: '', value: '', threshold: '', since: '' };

/** A paused run continues with the step it was at; any other with the first pending one. */
function nextOf({ state }: RunRecord, steps: readonly StepRecord[]): StepRecord | undefined {
  const isAhead = (step: StepRecord) => step.state === 'pending' || step.state === 'failed';
  return steps.find((step) =>
    state === 'paused' ? isAhead(step) || step.state === 'running' : step.state === 'pending',
  );
}

/** Going back skips steps that have nothing to undo. */
function nextUndoOf(steps: readonly StepRecord[]): string {
  const isLeft = ({ state }: StepRecord) => state === 'done' || state === 'failed';
  const next = steps.findLast((step) => step.undo !== '' && (isLeft(step) || isAtIt(step)));
  return next ? `undo of “${next.title}”: ${next.undo}` : BACK;
}

function isAtIt({ state }: StepRecord): boolean {
  return state === 'running' || state === 'undoing';
}

const BACK = 'the old route, as before the run';

export function planToWire({
  run,
  plan,
  changes,
}: Move): MessageInitShape<typeof PlanResponseSchema> {
  return {
    link: run.link,
    consumer: run.consumer,
    from: nameRoute(run.from),
    to: nameRoute(run.to),
    steps: plan.steps.map((step) => ({
      name: step.name,
      title: `${step.number}. ${step.title}`,
      number: step.number,
      kind: recordedKind(step),
      undo: step.undoTitle,
    })),
    thresholds: thresholdsOf(plan, run.settings),
    links: linksOf(run).map((moved) => linkToWire(moved, changes, run.wayBack)),
  };
}

function linkToWire(
  { link, consumers, from, to }: MovedLink,
  changes: Move['changes'],
  wayBack: RunRecord['wayBack'],
) {
  const events = changes.filter((change) => change.link === link);
  return {
    ...{ link, consumers: [...consumers], from: nameRoute(from), to: nameRoute(to) },
    events: events.map((change) => ({
      ...{ name: change.event, from: change.from, to: change.to, loss: change.loss },
      complement: [...change.complement],
      drops: [...change.drops],
      words: [...change.words, ...sayWayBack(change, wayBack)],
    })),
  };
}

/** The settings that the plan's gates judge by, in the order of the settings. */
function thresholdsOf({ steps }: Plan, settings: Settings) {
  const measures = new Set(steps.flatMap((step) => (step.kind === 'gate' ? step.measures : [])));
  return describeSettings().flatMap(({ name, unit, about }) => {
    const judging = [...measures].filter(({ thresholds }) => thresholds?.includes(name));
    if (judging.length === 0) return [];
    const names = [...new Set(judging.map((measure) => measure.name))];
    return [{ setting: name, value: settings[name], unit, about, measures: names }];
  });
}

export function certificateToWire(
  certificate: Certificate,
): MessageInitShape<typeof CertificateSchema> {
  const { epoch, count, ...rest } = certificate;
  const { equal, exceptions } = summaryOf(JSON.parse(certificate.statement));
  const numbers = { epoch: BigInt(epoch), count: BigInt(count), exceptions: BigInt(exceptions) };
  return { ...rest, ...numbers, equal };
}
