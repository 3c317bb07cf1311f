/**
 * A run as a person sees it: what moves, every step, and always which step it is, since when, what
 * it waits for, what comes next and how to undo.
 */
import {
  type Evidence,
  type Run,
  type RunStatus,
  RunStatusSchema,
  type RunStep,
} from '../../../gen/relink/v1/operator_pb.ts';
import {
  commandToGoOn,
  currentStep,
  hasEnded,
  isGoingBack,
  isWayBackGone,
  nextStep,
  phaseIn,
  phaseOf,
  type StepPhase,
  titleOf,
} from '../runState.ts';
import { shortId } from '../suggest.ts';
import { toJsonShape } from './json.ts';
import type { Layout, View } from './output.ts';
import { cleanText, type Paint, widthOf, wrapText } from './paint.ts';
import { elapsedMs, formatAgo, formatDuration, formatMoment, formatSince } from './time.ts';

const WIDEST = 100; // columns; longer lines are hard to read on any terminal
const LABEL_WIDTH = 9; // of `waits for`
const LATEST_EVIDENCE = 3; // lines of the step under way

type Tone = Parameters<Paint>[0];

const MARKS: Readonly<Record<StepPhase, { mark: string; tone: Tone }>> = {
  done: { mark: '✓', tone: 'green' },
  now: { mark: '▸', tone: 'cyan' },
  ahead: { mark: '·', tone: 'dim' },
  undone: { mark: '↶', tone: 'yellow' },
  failed: { mark: '✗', tone: 'red' },
  skipped: { mark: '–', tone: 'dim' },
};

const TONE_OF_STATE: Readonly<Record<string, Tone>> = {
  running: 'cyan',
  waiting: 'yellow',
  paused: 'yellow',
  rolling_back: 'yellow',
  rolled_back: 'yellow',
  completed: 'green',
  failed: 'red',
};

/** States of a run that went back. */
const WENT_BACK = new Set(['rolling_back', 'rolled_back', 'cancelled']);

export interface RunDetail {
  /** The evidence of every step, not only the latest of the one under way. */
  allEvidence?: boolean;
  /** Lines at most; steps that are done or far ahead are folded. */
  rows?: number;
}

/** A run's status in every format. */
export function viewRun(status: RunStatus, detail: RunDetail = {}): View {
  return {
    json: () => toJsonShape(RunStatusSchema, status),
    text: (layout) => formatRun(status, layout, detail),
  };
}

/** Lines for a terminal of the layout's width. */
export function formatRun(status: RunStatus, layout: Layout, detail: RunDetail = {}): string[] {
  const bounded = { ...layout, width: Math.min(layout.width, WIDEST) };
  const head = formatHead(status, bounded);
  const foot = formatFoot(status, bounded);
  const room = (detail.rows ?? Infinity) - head.length - foot.length - 2;
  const steps = formatSteps(status, bounded, detail.allEvidence === true, room);
  return [...head, '', ...steps, '', ...foot];
}

/** `COMM-010  sync → async  for hiring`. */
export function nameMove(run: Run): string {
  const { from, to, consumer } = run;
  const leg = consumer === '' ? '' : ` for ${consumer}`;
  return `${nameLinks(run)}  ${from} → ${to}${leg}`;
}

/** `COMM-020 and COMM-021`; an older operator names only one. */
export function nameLinks({ link, links }: Run): string {
  return links.length > 1 ? links.join(' and ') : link;
}

/** A state in words and its colour. */
export function paintState(state: string, paint: Paint): string {
  return paint(TONE_OF_STATE[state] ?? 'dim', state.replaceAll('_', ' '));
}

function formatHead(status: RunStatus, { paint, now, width }: Layout): string[] {
  const run = status.run!;
  const times = run.endedAt === '' ? `started ${formatAgo(run.startedAt, now)}` : spent(run, now);
  const facts = [times, run.actor === '' ? '' : `by ${cleanText(run.actor)}`, sayWayBack(status)];
  const said = facts.filter((fact) => fact !== '').join(' · ');
  const state = paintState(run.state, paint);
  const line = `${state} · ${said}`;
  const second = widthOf(line) <= width ? [line] : [state, ...wrapText(said, width)];
  return [paint('bold', nameMove(run)), paint('dim', `run ${run.id}`), ...second];
}

/** Whether the run's problem is the reason why it goes or went back; a person may be that reason. */
function isReason(status: RunStatus): boolean {
  const { state, problem } = status.run!;
  return WENT_BACK.has(state) || (isGoingBack(status) && !problem.startsWith('undoing '));
}

/** Nothing for a run that went back or never left. */
function sayWayBack(status: RunStatus): string {
  const { state, wayBack } = status.run!;
  if (state === 'completed' || (wayBack === 'keep' && isWayBackGone(status)))
    return 'way back given up';
  if (WENT_BACK.has(state) || state === 'failed') return '';
  return wayBack === 'none' ? 'no way back' : 'way back kept';
}

function spent({ startedAt, endedAt }: Run, now: number): string {
  const tookMs = elapsedMs(startedAt, Date.parse(endedAt));
  const took = tookMs === undefined ? '' : ` after ${formatDuration(tookMs)}`;
  return `ended ${formatMoment(endedAt, now)}${took}`;
}

function formatSteps(status: RunStatus, layout: Layout, allEvidence: boolean, room: number) {
  const blocks = status.steps.map((step) => ({
    phase: phaseIn(status, step),
    lines: formatStep(step, phaseIn(status, step), layout, columnsOf(status), allEvidence),
  }));
  return foldSteps(blocks, room, layout.paint);
}

interface StepColumns {
  number: number;
  title: number;
}

function columnsOf({ steps }: RunStatus): StepColumns {
  return {
    number: Math.max(0, ...steps.map(({ number }) => number.length)),
    title: Math.max(0, ...steps.map((step) => titleOf(step).length)),
  };
}

function formatStep(
  step: RunStep,
  phase: StepPhase,
  layout: Layout,
  columns: StepColumns,
  allEvidence: boolean,
) {
  const { paint, width, now } = layout;
  const { mark, tone } = MARKS[phase];
  const left = ` ${mark} ${step.number.padStart(columns.number)}${columns.number > 0 ? '  ' : ''}`;
  const note = formatSpan(step, phase, now);
  const room = Math.max(10, Math.min(columns.title, width - left.length - note.length - 2));
  const [first = '', ...others] = wrapText(cleanText(titleOf(step)), room);
  const title = phase === 'now' ? paint('bold', first) : first;
  const shown = phase === 'ahead' || phase === 'skipped' ? paint('dim', first) : title;
  const gap = note === '' ? '' : ' '.repeat(Math.max(0, room - widthOf(first)) + 2);
  const indent = ' '.repeat(left.length);
  const painted = left.replace(mark, () => paint(tone, mark));
  const count = formatCount(step, phase);
  const evidence = formatEvidence(step, phase, allEvidence);
  const inner = Math.max(10, width - indent.length);
  return [
    `${painted}${shown}${gap}${paint('dim', note)}`.trimEnd(),
    ...others.map((line) => indent + line),
    ...(count === '' ? [] : [indent + count]),
    ...evidence.flatMap((text) => wrapText(text, inner)).map((line) => indent + paint('dim', line)),
  ];
}

function formatCount({ done, total }: RunStep, phase: StepPhase): string {
  if (total === 0n || phase !== 'now') return '';
  return `${done.toLocaleString('en')} of ${total.toLocaleString('en')}`;
}

function formatSpan({ startedAt, endedAt }: RunStep, phase: StepPhase, now: number): string {
  if (phase === 'ahead' || phase === 'skipped') return phase === 'skipped' ? 'skipped' : '';
  if (endedAt === '') return phase === 'undone' ? 'undone' : formatSince(startedAt, now);
  const tookMs = elapsedMs(startedAt, Date.parse(endedAt));
  const took = tookMs === undefined ? '' : formatDuration(tookMs);
  return phase === 'undone' ? `undone in ${took}` : took;
}

function formatEvidence(step: RunStep, phase: StepPhase, all: boolean): string[] {
  if (all) return step.evidence.map(sayEvidence);
  if (phase !== 'now' && phase !== 'failed') return [];
  // Of repeated measurements, only the newest.
  const newest = new Map(step.evidence.map((one) => [one.what, one]));
  return [...newest.values()].slice(-LATEST_EVIDENCE).map(sayEvidence);
}

const EVIDENCE_MARKS: Readonly<Record<string, string>> = { pass: '✓', fail: '✗' };

/** `✓ new dead letters at hiring: 0 (at most 0)`. */
function sayEvidence({ verdict, what, value, threshold }: Evidence): string {
  const said = cleanText([what, value].filter((part) => part !== '').join(': '));
  const against = threshold === '' ? '' : ` (${cleanText(threshold)})`;
  return `${EVIDENCE_MARKS[verdict] ?? '·'} ${said}${against}`;
}

/** Keeps the steps around the one under way when not all fit. */
function foldSteps(blocks: { phase: StepPhase; lines: string[] }[], room: number, paint: Paint) {
  const heightOf = (some: typeof blocks) => some.reduce((sum, { lines }) => sum + lines.length, 0);
  const shown = [...blocks];
  let before = 0;
  let after = 0;
  const isTooTall = () => heightOf(shown) + Number(before > 0) + Number(after > 0) > room;
  while (isTooTall() && shown.length > 1 && shown.at(-1)?.phase === 'ahead') {
    shown.pop();
    after += 1;
  }
  while (isTooTall() && shown.length > 1) {
    shown.shift();
    before += 1;
  }
  return [
    ...(before > 0 ? [paint('dim', ` ${steps(before)} above`)] : []),
    ...shown.flatMap(({ lines }) => lines),
    ...(after > 0 ? [paint('dim', ` ${steps(after)} to come`)] : []),
  ];
}

function steps(count: number): string {
  return `${count} ${count === 1 ? 'step' : 'steps'}`;
}

function formatFoot(status: RunStatus, layout: Layout): string[] {
  const run = status.run!;
  const lines: [string, string][] = [];
  if (run.problem !== '') lines.push([isReason(status) ? 'why' : 'problem', run.problem]);
  if (!hasEnded(status)) lines.push(['now', sayNow(status, layout.now)]);
  if (status.waiting !== undefined) lines.push(['waits for', sayWaiting(status, layout.now)]);
  lines.push(['next', sayNext(status)], ['undo', sayUndo(status)]);
  return lines.flatMap(([label, text]) => formatFact(label, text, layout));
}

function formatFact(label: string, text: string, { paint, width }: Layout): string[] {
  const room = Math.max(10, width - LABEL_WIDTH - 2);
  // A command stays on one line, however long: it is there to be copied.
  const wrapped = cleanText(text)
    .split('\n')
    .flatMap((line) => (line.startsWith('relink ') ? [line] : wrapText(line, room)));
  const tone = label === 'problem' ? 'red' : 'dim';
  return wrapped.map((line, index) => {
    const name = index === 0 ? label : '';
    return `${paint(tone, name.padEnd(LABEL_WIDTH))}  ${line}`;
  });
}

/** The step under way with its time; between two steps, the one that was done last. */
function sayNow(status: RunStatus, now: number): string {
  const current = currentStep(status);
  if (current !== undefined) {
    const isUndoing = current.state === 'undoing';
    const title = isUndoing ? `undoing: ${titleOf(current)}` : titleOf(current);
    return `${title} ${formatSince(current.startedAt, now)}`.trim();
  }
  if (isGoingBack(status)) return 'going back';
  const last = status.steps.findLast((step) => phaseOf(step) === 'done');
  return last === undefined
    ? 'nothing has started yet'
    : `${titleOf(last)}: done ${formatAgo(last.endedAt, now)}`;
}

/** `lag: 1,204 messages, needs at most 100, since 12 s`. */
export function sayWaiting({ waiting }: RunStatus, now: number): string {
  if (waiting === undefined) return 'nothing';
  const { gate, value, threshold } = waiting;
  const since = formatSince(waiting.since, now);
  const person = PERSONS_TURN[gate];
  if (person !== undefined) return joinParts(person, gate === 'approve' ? threshold : '', since);
  const what = gate === 'retry' ? 'a call to get through' : gate;
  const measured = value === '' ? what : `${what}: ${value}`;
  return joinParts(measured, threshold === '' ? '' : `needs ${threshold}`, since);
}

/** Gates that no measure opens. */
const PERSONS_TURN: Readonly<Record<string, string>> = {
  approve: 'approval by a person',
  complete: 'a person to complete it',
  resume: 'a person to resume it',
};

function joinParts(...parts: string[]): string {
  return cleanText(parts.filter((part) => part !== '').join(', '));
}

/** What comes next, with the command that lets it come where a person must give it. */
export function sayNext(status: RunStatus): string {
  const run = status.run!;
  if (run.state === 'completed') return 'nothing, the move is complete';
  if (run.state === 'rolled_back') return 'nothing, the old route is back';
  if (run.state === 'cancelled') return 'nothing, no traffic was moved';
  if (run.state === 'failed') return 'nothing, the run is over';
  const command = commandToGoOn(status, shortId(run.id));
  const isStopped = run.state === 'paused' && !isGoingBack(status);
  const step = isStopped ? sayResumed(status) : sayNextStep(status);
  return command === undefined ? step : `${command}\n${step}`;
}

/** What resuming does, and what has to be done before. */
function sayResumed(status: RunStatus): string {
  const step = nextStep(status);
  const title = step === undefined ? END : `“${titleOf(step)}”`;
  if (status.run!.problem === '') return `it goes on with ${title}`;
  return `once the problem is mended; it tries ${title} again`;
}

function sayNextStep(status: RunStatus): string {
  const step = nextStep(status);
  if (!isGoingBack(status)) return step === undefined ? END : titleOf(step);
  return step === undefined ? BACK : `undo of “${titleOf(step)}”: ${step.undo}`;
}

const END = 'the end of the run';
const BACK = 'the end of the run: the old route is back';

/** How to get back to the old route. */
export function sayUndo(status: RunStatus): string {
  const run = status.run!;
  const { state } = run;
  if (['rolled_back', 'cancelled', 'failed'].includes(state)) return 'nothing is left to undo';
  if (isGoingBack(status)) return state === 'paused' ? 'started; resume it to finish' : 'under way';
  if (state === 'completed') return sayReturn(status);
  if (isWayBackGone(status)) return 'nothing: the way back was given up';
  const how = currentStep(status)?.undo ?? '';
  const command = `relink rollback ${shortId(run.id)}`;
  return how === '' ? command : `${command}\n${how}`;
}

/** After `complete`: where nothing was removed for good, going back is a move of its own. */
function sayReturn({ run, steps }: RunStatus): string {
  const removing = steps.find(({ name }) => name === REMOVAL);
  if (removing) return `the way back is given up; done for good: ${titleOf(removing)}`;
  const { link, from, consumer } = run!;
  const leg = consumer === '' ? '' : ` --consumer ${consumer}`;
  const command = `relink start ${link} --to ${from} --way-back keep${leg}`;
  return `the way back is given up; a run of its own goes back:\n${command}`;
}

/** The step after which a formal link cannot take up its older contract version again. */
const REMOVAL = 'contract-schema';
