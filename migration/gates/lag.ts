import { REPEATABLE } from '../participants.ts';
import type { Measure, Reading } from '../plan.ts';

/** No message of the legs waits for its receipt longer than the limit. */
export const lag: Measure = {
  name: 'lag',
  unanswered: 'fail',
  thresholds: ['lag_limit_ms'],
  read: async ({ run, participants }) =>
    Promise.all(
      run.consumers.map(async (consumer): Promise<Reading> => {
        const request = { link: run.link, consumer };
        const progress = await participants.of(run.producer).getProgress(request, REPEATABLE);
        const ageMs = Number(progress.oldestOpenMs);
        return {
          what: `oldest open message of ${consumer}`,
          verdict: ageMs <= run.settings.lag_limit_ms ? 'pass' : 'wait',
          value: `${ageMs} ms (${progress.open} open)`,
          threshold: `${run.settings.lag_limit_ms} ms`,
        };
      }),
    ),
};
