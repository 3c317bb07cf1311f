/** Whether the consumers of a run remember long enough what they settle while it lasts. */
import { describeShortHorizon, type Lateness, readStreamAges } from '../../link/inbox/horizon.ts';
import { StepProblem } from '../errors.ts';
import type { StepContext } from '../plan.ts';
import { readTraffic } from './traffic.ts';

const DAY_MS = 86_400_000;
/** Groups of lanes that move one after another, each watched by itself. */
const GROUPS = 3;

/** @throws StepProblem `fail`, with what may come late and both numbers */
export async function requireHorizon(context: StepContext, consumer: string): Promise<void> {
  const horizons = await daysOf(context, consumer, 'horizonDays');
  // Builds of before remember for ever.
  const known = horizons.filter((days) => days > 0);
  if (known.length === 0) return;
  const problem = describeShortHorizon(Math.min(...known), await latenessOf(context, consumer));
  if (problem) throw new StepProblem('fail', `the horizon of ${consumer} is too short: ${problem}`);
}

async function latenessOf(context: StepContext, consumer: string): Promise<Lateness[]> {
  const { run, streams } = context;
  const { soak_seconds, canary_seconds, shadow_seconds, release_seconds } = run.settings;
  const waitsS = soak_seconds + GROUPS * canary_seconds + shadow_seconds + release_seconds;
  const history = Math.max(0, ...(await daysOf(context, run.producer, 'historyDays')));
  const { oldestMs } = await readTraffic(context, consumer);
  return [
    ...(await readStreamAges(await streams.manager(), [run.link])),
    {
      what: `${run.producer} keeps settled messages, to send them again,`,
      forMs: history * DAY_MS,
    },
    { what: 'the oldest open message has waited', forMs: oldestMs },
    { what: 'this run may wait, by its settings,', forMs: waitsS * 1_000 },
  ];
}

async function daysOf(
  { participants }: StepContext,
  service: string,
  what: 'horizonDays' | 'historyDays',
): Promise<number[]> {
  const replicas = await participants.replicas(service);
  return replicas.flatMap(({ description }) => (description ? [description[what]] : []));
}
