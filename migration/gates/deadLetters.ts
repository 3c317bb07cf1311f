import { listDead } from '../leg/traffic.ts';
import type { ClosingMeasure, Reading } from '../plan.ts';

/**
 * The consumers gave up on no more messages than allowed since the run began. Older dead letters do
 * not count: settling one of them makes no room for a new one.
 */
export const noNewDeadLetters: ClosingMeasure = {
  name: 'no new dead letters',
  unanswered: 'fail',
  thresholds: ['dead_letter_limit'],
  read: async (context) => {
    const { memory, settings, consumers } = context.run;
    const newestBefore = (memory.newestDead ?? {}) as Record<string, string>;
    return Promise.all(
      consumers.map(async (consumer): Promise<Reading> => {
        const grown = (await listDead(context, consumer, newestBefore[consumer])).length;
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
