/** A plan: what a move would do. */
import {
  type PlannedLink,
  type PlannedStep,
  PlannedStepSchema,
  type PlannedThreshold,
  type PlanResponse,
  PlanResponseSchema,
} from '../../../gen/relink/v1/operator_pb.ts';
import { titleOf } from '../runState.ts';
import { toJsonShape } from './json.ts';
import type { Layout, View } from './output.ts';
import { cleanText, wrapText } from './paint.ts';

const WIDEST = 100; // columns

export function viewPlan(plan: PlanResponse): View {
  return {
    json: () => toJsonShape(PlanResponseSchema, plan),
    items: () => plan.steps.map((step) => toJsonShape(PlannedStepSchema, step)),
    text: (layout) => formatPlan(plan, layout),
  };
}

/**
 * The steps in order; a gate, which waits for evidence, is marked `◇`. In full also how each step is
 * undone and what the gates judge by.
 */
export function formatPlan(plan: PlanResponse, layout: Layout, isFull = true): string[] {
  const { from, to, consumer, steps, links } = plan;
  const link = links.length > 1 ? links.map((one) => one.link).join(' and ') : plan.link;
  const leg = consumer === '' ? '' : ` for ${consumer}`;
  const gates = steps.filter(({ kind }) => kind === 'gate').length;
  const numberWidth = Math.max(0, ...steps.map(({ number }) => number.length));
  return [
    layout.paint('bold', `${link}  ${from} → ${to}${leg}`),
    layout.paint('dim', `${steps.length - gates} steps, ${gates} gates (◇)`),
    ...sayOrder(steps, layout),
    ...formatChanges(links, layout),
    '',
    ...steps.flatMap((step) => formatStep(step, numberWidth, layout, isFull)),
    ...(isFull ? formatThresholds(plan.thresholds, layout) : []),
  ];
}

/** What the move makes of each event: people decide by it how the way back works. */
function formatChanges(links: readonly PlannedLink[], { width, paint }: Layout): string[] {
  const room = Math.max(10, Math.min(width, WIDEST) - 4);
  return links.flatMap(({ events }) =>
    events.flatMap(({ name, from, to, loss, words }) => [
      '',
      `${paint('bold', cleanText(name))}  v${from} → v${to}: ${cleanText(loss)}`,
      ...words.flatMap((line) => wrapText(cleanText(line), room)).map((line) => `    ${line}`),
    ]),
  );
}

/** What the gates judge by, as `--set` takes it; nothing for a plan that has no such gate. */
function formatThresholds(thresholds: readonly PlannedThreshold[], { width, paint }: Layout) {
  if (thresholds.length === 0) return [];
  const shown = thresholds.map((one) => `${one.setting}=${one.value}`);
  const nameWidth = Math.max(...shown.map((text) => text.length));
  const room = Math.max(10, Math.min(width, WIDEST) - nameWidth - 4);
  const lines = thresholds.flatMap(({ unit, about, measures }, at) => {
    const text = `${cleanText(about)} (${cleanText(unit)}; ${measures.map(cleanText).join(', ')})`;
    return wrapText(text, room).map((line, index) => {
      const name = index === 0 ? cleanText(shown[at]!) : '';
      return `  ${name.padEnd(nameWidth)}  ${paint('dim', line)}`;
    });
  });
  return ['', paint('bold', 'Thresholds (--set)'), ...lines];
}

/** Explains why the numbers, which are those of the move's description, do not always rise. */
function sayOrder(steps: readonly PlannedStep[], { width, paint }: Layout): string[] {
  const text = explainOrder(steps);
  const lines = text === '' ? [] : wrapText(text, Math.min(width, WIDEST));
  return lines.map((line) => paint('dim', line));
}

function explainOrder(steps: readonly PlannedStep[]): string {
  const early = steps.find((step, at) => Number(steps[at + 1]?.number) < Number(step.number));
  if (early === undefined) return '';
  if (Number(steps[0]!.number) > Number(steps.at(-1)!.number))
    return 'Numbers refer to the description of the opposite move, which this plan follows in reverse.';
  const own = steps.filter(({ number }) => number === early.number);
  const next = steps[steps.indexOf(early) + 1]!.number;
  const why = own.some(({ name }) => name === BACKFILL)
    ? 'replicas are backfilled before traffic moves, while the old route still carries everything'
    : 'this plan does it earlier than the description';
  return `Numbers refer to the description of the move. ${early.number} comes before ${next}: ${why}.`;
}

/** The step that fills the replicas. */
const BACKFILL = 'backfill';

function formatStep(
  step: PlannedStep,
  numberWidth: number,
  { width, paint }: Layout,
  withUndo: boolean,
): string[] {
  const mark = step.kind === 'gate' ? paint('yellow', '◇') : paint('cyan', '▸');
  const number = step.number.padStart(numberWidth);
  const indent = ' '.repeat(numberWidth + 5 - Number(numberWidth === 0));
  const room = Math.max(10, Math.min(width, WIDEST) - indent.length);
  const [first = '', ...others] = wrapText(cleanText(titleOf(step)), room);
  const undo = step.undo === '' || !withUndo ? [] : wrapText(`undo: ${cleanText(step.undo)}`, room);
  return [
    ` ${mark} ${number}${numberWidth === 0 ? '' : '  '}${first}`,
    ...others.map((line) => indent + line),
    ...undo.map((line) => indent + paint('dim', line)),
  ];
}
