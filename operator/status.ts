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
import type { KeptEvidence } from '../migration/journalRows.ts';
import { nameRoute } from '../migration/plan.ts';
import { isEnded, type RunRecord, type RunWithSteps, type StepRecord } from '../migration/run.ts';
import type { Move } from '../migration/starting.ts';

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
  };
}

/** What differs between the two: the transport, or the contract version. */
function routeText(route: RunRecord['to'], other: RunRecord['to']): string {
  return route.transport === other.transport ? `v${route.version}` : route.transport;
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
    startedAt: step.startedAt ?? '',
    endedAt: step.endedAt ?? '',
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
  const ahead = steps.find(({ state }) => state === 'pending');
  const around = {
    next:
      run.direction === 'back' ? 'the old route, as before the run' : (ahead?.title ?? 'the end'),
    undo: run.direction === 'back' ? '' : `relink rollback ${run.id}`,
  };
  if (run.state === 'paused') {
    const since = run.waiting?.since ?? '';
    return { gate: 'resume', value: run.problem || 'paused by a person', since, ...around };
  }
  return run.waiting ? { ...run.waiting, ...around } : undefined;
}

export function planToWire({ run, plan }: Move): MessageInitShape<typeof PlanResponseSchema> {
  return {
    link: run.link,
    consumer: run.consumer,
    from: nameRoute(run.from),
    to: nameRoute(run.to),
    steps: plan.steps.map((step) => ({
      name: step.name,
      title: `${step.number}. ${step.title}`,
      number: step.number,
      kind: step.kind,
      undo: step.undoTitle,
    })),
  };
}

export function certificateToWire(
  certificate: Certificate,
): MessageInitShape<typeof CertificateSchema> {
  const { epoch, count, ...rest } = certificate;
  // Only equal statements are signed: an unequal one stops its run.
  return { ...rest, epoch: BigInt(epoch), count: BigInt(count), equal: true };
}
