/** The live view as lines of text: stages, the current run, every lane of each leg, the traffic. */
import type { Leg, RunStatus } from '../../gen/relink/v1/operator_pb.ts';
import { cleanText, cutTo, type Paint, widthOf } from '../../operator/cli/output/paint.ts';
import { formatDuration } from '../../operator/cli/output/time.ts';
import { currentStep, phaseOf } from '../../operator/cli/runState.ts';
import type { DemoProgress, ShownLeg, ShownTraffic, Stage, StageState } from './progress.ts';

export interface Canvas {
  width: number;
  paint: Paint;
  now: number;
}

/** Wider lines are hard to read on any terminal. */
const MAX_WIDTH = 84;
const MARKS = { pending: '·', running: '▸', done: '✓', failed: '✗' } as const;
const TONES = { pending: 'dim', running: 'cyan', done: 'green', failed: 'red' } as const;
/** One sign per lane, filled where events carry it. */
const LANE_SIGNS: Readonly<Record<string, string>> = { sync: '○', async: '●', pull: '◇' };
/** `COMM-021 assessments` */
const NAME_WIDTH = 20;
/** Stages shown around the current one; the others are only counted, so that all fits 24 rows. */
const STAGES_AROUND = 1;

export function drawScreen(progress: DemoProgress, canvas: Canvas): string[] {
  const width = Math.min(canvas.width, MAX_WIDTH);
  const inside = { ...canvas, width };
  const blocks = [
    [drawHead(progress, inside)],
    drawStages(progress, inside),
    [
      ...progress.legs.map((shown) => drawLeg(shown, inside)),
      ...drawTraffic(progress.traffic, inside),
    ],
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .flatMap((lines) => ['', ...lines.map((line) => cutTo(line, width))]);
}

function drawHead({ startedMs }: DemoProgress, canvas: Canvas): string {
  const head = canvas.paint('bold', 'relink demo: live links move under traffic');
  return alignEnds(head, formatDuration(canvas.now - startedMs), canvas);
}

/** Failed stages, the current one with its neighbours, and the number of others. */
function drawStages(progress: DemoProgress, canvas: Canvas): string[] {
  const { stages } = progress;
  const now = stages.findLastIndex(({ state }) => state !== 'pending');
  const isShown = (stage: Stage, at: number) =>
    stage.state === 'failed' || Math.abs(at - Math.max(now, 0)) <= STAGES_AROUND;
  const hidden = stages.filter((stage, at) => !isShown(stage, at));
  const ended = hidden.filter(({ state }) => state === 'done').length;
  const count = (state: StageState, text: string) =>
    ` ${canvas.paint(TONES[state], MARKS[state])} ${canvas.paint('dim', text)}`;
  return [
    ...(ended > 0 ? [count('done', `${ended} done`)] : []),
    ...stages.filter(isShown).flatMap((stage) => drawStage(progress, stage, canvas)),
    ...(hidden.length > ended ? [count('pending', `${hidden.length - ended} to come`)] : []),
  ];
}

function drawStage(progress: DemoProgress, stage: Stage, canvas: Canvas): string[] {
  const { paint, now } = canvas;
  const { title, state, note, startedMs, endedMs } = stage;
  const mark = paint(TONES[state], MARKS[state]);
  if (state === 'pending') return [` ${mark} ${paint('dim', title)}`];
  const text = note === '' ? title : `${title}   ${paint('dim', note)}`;
  const spent = formatDuration((endedMs || now) - startedMs);
  const line = alignEnds(` ${mark} ${text}`, paint('dim', spent), canvas);
  return state === 'running' ? [line, ...drawNow(progress, canvas)] : [line];
}

function drawNow({ run, remark }: DemoProgress, { paint }: Canvas): string[] {
  if (run) return describeRun(run).map((line) => `     ${line}`);
  return remark === '' ? [] : [`     ${paint('dim', cleanText(remark))}`];
}

/** `step 9 of 21` */
export function stepCount({ steps }: RunStatus): string {
  const done = steps.filter((step) => phaseOf(step) === 'done').length;
  return `step ${Math.min(done + 1, steps.length)} of ${steps.length}`;
}

/** The current step, and what it waits for: measured value and threshold. */
function describeRun(status: RunStatus): string[] {
  const title = currentStep(status)?.title ?? '';
  const { waiting } = status;
  if (!waiting || waiting.gate === 'complete') return [title, ''];
  const needs = waiting.threshold === '' ? '' : `, allowed ${waiting.threshold}`;
  return [title, cleanText(`${waiting.gate}: ${waiting.value}${needs}`)];
}

function drawLeg({ link, leg }: ShownLeg, { paint }: Canvas): string {
  const signs = new Array<string>(lanesOf(leg)).fill(' ');
  for (const { lanes, transport } of leg.routes)
    for (const lane of lanes) signs[lane] = LANE_SIGNS[transport] ?? '?';
  const strip = paint('cyan', signs.join(''));
  const name = paint('dim', `${link} ${leg.consumer}`.padEnd(NAME_WIDTH));
  const route = countLanes(leg).padEnd(16);
  const open = `${leg.outboxOpen} open`.padStart(9);
  const lag = `lag ${formatDuration(Number(leg.oldestOpenMs))}`.padStart(13);
  const dead = leg.deadLetters > 0n ? paint('red', `   ${leg.deadLetters} dead letters`) : '';
  return ` ${name} ${strip}  ${route}${open}${lag}${dead}`;
}

function lanesOf({ routes }: Leg): number {
  return routes.reduce((sum, { lanes }) => sum + lanes.length, 0);
}

/** `4 async, 12 sync`, or `all async`. */
function countLanes({ routes }: Leg): string {
  const counts = new Map<string, number>();
  for (const { transport, lanes } of routes)
    counts.set(transport, (counts.get(transport) ?? 0) + lanes.length);
  const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  if (sorted.length === 1) return `all ${sorted[0]?.[0]}`;
  return sorted.map(([transport, count]) => `${count} ${transport}`).join(', ');
}

function drawTraffic(traffic: ShownTraffic | undefined, { paint }: Canvas): string[] {
  if (!traffic) return [];
  const { ratePerSecond, requests, failed, p50Ms, p99Ms } = traffic;
  const name = paint('dim', 'traffic'.padEnd(NAME_WIDTH));
  const failures = `${failed.toLocaleString('en')} failed`;
  const facts = [
    `${Math.round(ratePerSecond)}/s`,
    `${requests.toLocaleString('en')} requests`,
    failed > 0 ? paint('red', failures) : failures,
    `p50 ${formatLatency(p50Ms)}`,
    `p99 ${formatLatency(p99Ms)}`,
  ];
  return [` ${name} ${facts.join('  ')}`];
}

/** `3.1 ms`, `142 ms`, `12.5 s`: tenths only where they matter. */
export function formatLatency(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms).toLocaleString('en')} ms`;
}

/** One line for a stage that ended. */
export function describeStage({ title, note, startedMs, endedMs }: Stage): string {
  const spent = formatDuration(endedMs - startedMs);
  return `${title}${note === '' ? '' : `   ${note}`}   ${spent}`;
}

export function markOf(state: StageState): string {
  return MARKS[state];
}

function alignEnds(left: string, right: string, { width }: Canvas): string {
  const room = width - widthOf(left) - widthOf(right);
  return room > 1 && width !== Infinity ? left + ' '.repeat(room) + right : `${left}  ${right}`;
}
