import { countDead } from '../observe.ts';
import type { Measure, Reading } from '../plan.ts';

/** The consumers gave up on no more messages than allowed since the run began. */
export const noNewDeadLetters: Measure = {
  name: 'no new dead letters',
  unanswered: 'fail',
  read: async (context) => {
    const { memory, settings, consumers } = context.run;
    const before = (memory.deadBefore ?? {}) as Record<string, number>;
    return Promise.all(
      consumers.map(async (consumer): Promise<Reading> => {
        const grown = Math.max(0, (await countDead(context, consumer)) - (before[consumer] ?? 0));
        return {
          what: `new dead letters at ${consumer}`,
          verdict: grown <= settings.dead_letter_limit ? 'pass' : 'fail',
          value: String(grown),
          threshold: String(settings.dead_letter_limit),
        };
      }),
    );
  },
};
