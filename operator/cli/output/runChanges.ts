/** What changed from one status of a run to the next, one line each, for logs and pipes. */
import type { RunStatus, RunStep } from '../../../gen/relink/v1/operator_pb.ts';
import { phaseOf, titleOf } from '../runState.ts';
import type { Layout } from './output.ts';
import { cleanText } from './paint.ts';
import { nameMove, sayWaiting } from './runView.ts';
import { elapsedMs, formatDuration, formatMoment } from './time.ts';

/** Lines for all that is new in `status`; without a status before, where the run stands. */
export function listChanges(
  before: RunStatus | undefined,
  status: RunStatus,
  { now }: Layout,
): string[] {
  const lines: string[] = [];
  if (before === undefined) lines.push(`${nameMove(status.run!)}, run ${status.run!.id}`);
  const known = new Map(before?.steps.map((step) => [step.name, step]));
  for (const step of status.steps) {
    const old = known.get(step.name);
    const isNews = old === undefined ? phaseOf(step) !== 'ahead' : wordOf(old) !== wordOf(step);
    if (isNews) lines.push(sayStep(step));
  }
  const gate = status.waiting?.gate ?? '';
  if (gate !== '' && gate !== before?.waiting?.gate)
    lines.push(`waits for ${sayWaiting(status, now)}`);
  if (before?.run?.state !== status.run?.state) lines.push(sayState(status));
  return lines.map(
    (line) => `${formatMoment(new Date(now).toISOString(), now)}  ${cleanText(line)}`,
  );
}

const WORDS: Readonly<Record<ReturnType<typeof phaseOf>, string>> = {
  ahead: 'to come',
  now: 'begins',
  done: 'done',
  undone: 'undone',
  failed: 'failed',
  skipped: 'skipped',
};

function wordOf(step: RunStep): string {
  return step.state === 'undoing' ? 'is being undone' : WORDS[phaseOf(step)];
}

function sayStep(step: RunStep): string {
  const number = step.number === '' ? '' : `${step.number} `;
  const phase = phaseOf(step);
  const tookMs = phase === 'now' ? undefined : elapsedMs(step.startedAt, Date.parse(step.endedAt));
  const took = tookMs === undefined ? '' : ` after ${formatDuration(tookMs)}`;
  return `step ${number}${titleOf(step)}: ${wordOf(step)}${took}`;
}

function sayState({ run }: RunStatus): string {
  const problem = run?.problem ? `: ${run.problem}` : '';
  return `run is ${run?.state.replaceAll('_', ' ')}${problem}`;
}
