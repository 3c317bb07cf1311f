/** A company's history before any migration: managers first, then what they wrote and who solves it. */
import type { CallResult } from './retry.ts';
import type { ACTIONS, Life } from './workload.ts';

/** Requests at once: the services' batches fill; twice as many gained little on two cores. */
const AT_ONCE = 64;
/** Requests refused in a row after which something is wrong with the stack, not with one. */
const MAX_FAILURES = 20;
/** Before traffic, an assessment and two candidates for so many managers. */
const MANAGERS_FOR_AN_ASSESSMENT = 10;
const CANDIDATES_FOR_AN_ASSESSMENT = 2;

export type FillOptions = {
  readonly life: Life;
  readonly managers: number;
  /** Hears how many requests are done of how many. */
  readonly onProgress?: (done: number, all: number) => void;
  readonly signal?: AbortSignal;
};

/** Resolves with the requests done; fewer only when `signal` aborts. Throws what kept failing. */
export async function fill(options: FillOptions): Promise<number> {
  const { managers, onProgress } = options;
  const assessments = Math.ceil(managers / MANAGERS_FOR_AN_ASSESSMENT);
  const candidates = assessments * CANDIDATES_FOR_AN_ASSESSMENT;
  const all = managers + assessments + candidates;
  let done = 0;
  const onDone = () => {
    done += 1;
    onProgress?.(done, all);
  };
  await repeatAction('registerManager', managers, { ...options, onDone });
  await repeatAction('createAssessment', assessments, { ...options, onDone });
  await repeatAction('registerCandidate', candidates, { ...options, onDone });
  return done;
}

type Repeating = Pick<FillOptions, 'life' | 'signal'> & { readonly onDone: () => void };

async function repeatAction(
  action: (typeof ACTIONS)[number],
  count: number,
  { life, signal, onDone }: Repeating,
): Promise<void> {
  let started = 0;
  let failures = 0;
  const work = async () => {
    while (started < count && signal?.aborted !== true) {
      started += 1;
      const result: CallResult | undefined = await life.act(action)?.send();
      if (result?.answer) {
        failures = 0;
        onDone();
        continue;
      }
      started -= 1;
      failures += 1;
      if (failures > MAX_FAILURES) throw result?.error ?? new Error(`nothing to ${action} with`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, work));
}
