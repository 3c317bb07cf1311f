import { StepProblem } from '../errors.ts';
import { REPEATABLE, transportToWire } from '../participants.ts';
import type { Step, StepContext, Untitled } from '../plan.ts';
import { nameRoute, type RouteName } from '../run/record.ts';
import { stepPause } from '../stepPause.ts';

/** Attempts; together they take longer than a client needs to reach a restarted consumer again. */
const TRIES = 6;
const PAUSE_MS = 100;

/**
 * Sends one copy of an entity each way; its handler runs in a transaction that is rolled back.
 */
export const probe: Untitled<Step> = {
  name: 'probe',
  kind: 'step',
  undoTitle: '',
  apply: async (context) => {
    for (const consumer of context.run.consumers) {
      await probeRoute(context, consumer, context.run.to);
      await probeRoute(context, consumer, context.run.from);
    }
  },
};

async function probeRoute(context: StepContext, consumer: string, route: RouteName): Promise<void> {
  const { run, participants } = context;
  // By `pull` nothing is sent; the comparison of reads shows that the owner answers.
  if (route.transport === 'pull') return;
  const transport = transportToWire(route.transport);
  const request = { link: run.link, consumer, transport, version: route.version };
  let problem = '';
  let isRepeatable = false;
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (tries > 0) await stepPause(PAUSE_MS * 2 ** (tries - 1), context.signal);
    const result = await participants.of(run.producer).probe(request, REPEATABLE);
    if (result.ok)
      return context.observe(
        `probe to ${consumer} by ${nameRoute(route)}`,
        result.reachedOnly
          ? 'reachability only: there is no message to copy yet'
          : `${result.latencyMs.toFixed(1)} ms`,
      );
    problem = result.problem;
    isRepeatable = result.unsent;
  }
  const failure = `probe to ${consumer} by ${nameRoute(route)}: ${problem}`;
  throw new StepProblem('fail', failure, { isRepeatable });
}
