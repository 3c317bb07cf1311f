/** A company's history before any migration: managers, then what they wrote and who solves it. */
import type { CallResult } from './retry.ts';
import type { ACTIONS, Workload } from './workload.ts';

/**
 * Requests in flight: enough to fill the services' batches; twice as many gained little on two
 * cores.
 */
const CONCURRENCY = 64;
/** More failures in a row than this are a problem of the stack, not of one request. */
const MAX_FAILURES = 20;
/** One assessment, and its candidates, for so many managers. */
const MANAGERS_PER_ASSESSMENT = 10;
const CANDIDATES_PER_ASSESSMENT = 2;

export interface SeedOptions {
  readonly workload: Workload;
  readonly managers: number;
  /** Called after every request with the requests done and the total. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Resolves with the requests done: fewer than planned only when `signal` aborts. Throws what kept
 * failing.
 */
export async function seedCompany(options: SeedOptions): Promise<number> {
  const { managers, onProgress } = options;
  const assessments = Math.ceil(managers / MANAGERS_PER_ASSESSMENT);
  const candidates = assessments * CANDIDATES_PER_ASSESSMENT;
  const total = managers + assessments + candidates;
  let done = 0;
  const onDone = () => {
    done += 1;
    onProgress?.(done, total);
  };
  await repeatAction('registerManager', managers, { ...options, onDone });
  await repeatAction('createAssessment', assessments, { ...options, onDone });
  await repeatAction('registerCandidate', candidates, { ...options, onDone });
  return done;
}

interface RepeatOptions extends Pick<SeedOptions, 'workload' | 'signal'> {
  readonly onDone: () => void;
}

async function repeatAction(
  action: (typeof ACTIONS)[number],
  count: number,
  { workload, signal, onDone }: RepeatOptions,
): Promise<void> {
  let started = 0;
  let failures = 0;
  const work = async () => {
    while (started < count && signal?.aborted !== true) {
      started += 1;
      const result: CallResult | undefined = await workload.plan(action)?.send();
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
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, count) }, work));
}
