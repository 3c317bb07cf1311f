/**
 * Watches a gate: reads its measures repeatedly until they pass, one fails, or patience runs out.
 *
 * Its window counts only time that it was watched, not time that the run was paused or no engine was
 * active. Its patience starts again with each engine and after each pause, because a service that was
 * restarted in between may need all of it.
 */

import { RpcCallError } from '../../rpc/client.ts';
import { StepProblem } from '../errors.ts';
import type { Gate, Measure, Reading } from '../plan.ts';
import type { EvidenceRecord, Waiting } from '../run/record.ts';
import { stepPause } from '../stepPause.ts';
import { type RecordingContext, WATCHED } from './context.ts';

/** At first a gate is read often, as most pass at once or soon; then rarely enough for the services. */
const EVERY_MIN_MS = 50;
const EVERY_MAX_MS = 250;
/** Readings whose verdict does not change are written this often. */
const WRITE_EVERY_MS = 1_000;
const SOAK = 'time';

interface Taken {
  readonly measure: Measure;
  readonly readings: readonly Reading[];
}

/** Resolves when the gate passes. @throws StepProblem when it fails or stays inconclusive */
export async function watchGate(gate: Gate, context: RecordingContext): Promise<void> {
  const windowMs = gate.windowSeconds * 1_000;
  const patienceS = gate.patienceSeconds ?? context.run.settings.patience_seconds;
  const patienceMs = patienceS * 1_000;
  const writer = new ReadingWriter(context);
  for (;;) {
    const elapsedMs = context.elapsedMs();
    const taken = await takeAll(gate, context);
    const failed = find(taken, 'fail');
    const waiting = find(taken, 'wait');
    const isOver = elapsedMs >= windowMs;
    const isTooLong = elapsedMs >= windowMs + patienceMs && context.actingMs() >= patienceMs;
    const isLast = failed !== undefined || (waiting ? isTooLong : isOver);
    const shown = waiting?.reading ?? timeLeft(elapsedMs, windowMs);
    await writer.write(taken, isLast ? undefined : { reading: shown, ...waiting }, isLast);
    if (failed) throw new StepProblem('fail', describe(failed.reading));
    if (isOver && !waiting) return;
    if (waiting && isTooLong) throw outOfPatience(waiting);
    await stepPause(pauseMs(elapsedMs), context.signal);
  }
}

function pauseMs(elapsedMs: number): number {
  return Math.min(EVERY_MAX_MS, Math.max(EVERY_MIN_MS, elapsedMs / 2));
}

async function takeAll(gate: Gate, context: RecordingContext): Promise<Taken[]> {
  const taken: Taken[] = [];
  for (const measure of gate.measures)
    taken.push({ measure, readings: await take(measure, context) });
  return taken;
}

/** A measure that cannot be read right now is waited for like one that is not satisfied. */
async function take(measure: Measure, context: RecordingContext): Promise<readonly Reading[]> {
  try {
    return await measure.read(context);
  } catch (error) {
    if (!(error instanceof RpcCallError)) throw error;
    return [
      { what: measure.name, verdict: 'wait', value: error.message, threshold: 'can be read' },
    ];
  }
}

function find(taken: readonly Taken[], verdict: Reading['verdict']) {
  for (const { measure, readings } of taken) {
    const reading = readings.find((one) => one.verdict === verdict);
    if (reading) return { measure, reading };
  }
  return undefined;
}

function describe({ what, value, threshold }: Reading): string {
  return `${what}: ${value} (allowed: ${threshold})`;
}

function outOfPatience({ measure, reading }: { measure: Measure; reading: Reading }): StepProblem {
  const isFail = measure.unanswered === 'fail';
  return new StepProblem(isFail ? 'fail' : 'stop', describe(reading));
}

function timeLeft(elapsedMs: number, windowMs: number): Reading {
  const leftS = Math.max(0, Math.ceil((windowMs - elapsedMs) / 1_000));
  return {
    what: SOAK,
    verdict: 'wait',
    value: `${leftS} s left`,
    threshold: `${windowMs / 1_000} s`,
  };
}

/** Writes readings when a verdict changes, and else once a second. */
class ReadingWriter {
  readonly #context: RecordingContext;
  #verdicts = '';
  #writtenMs = 0;

  constructor(context: RecordingContext) {
    this.#context = context;
  }

  async write(
    taken: readonly Taken[],
    waiting: { reading: Reading; measure?: Measure } | undefined,
    isLast: boolean,
  ): Promise<void> {
    const readings = taken.flatMap((one) => one.readings);
    const verdicts = readings.map(({ verdict }) => verdict).join();
    const nowMs = performance.now();
    if (!isLast && verdicts === this.#verdicts && nowMs - this.#writtenMs < WRITE_EVERY_MS) return;
    this.#verdicts = verdicts;
    this.#writtenMs = nowMs;
    const { run, steps } = this.#context.current();
    const position = steps.findIndex(({ state }) => state === 'running');
    const { checkpoint } = this.#context;
    const watched = { ...checkpoint, [WATCHED]: this.#context.elapsedMs() };
    await this.#context.record({
      run: { waiting: waiting ? asWaiting(waiting, run.waiting) : null },
      steps: [{ position, patch: { checkpoint: watched } }],
      evidence: readings.map((reading) => asEvidence(reading, position)),
    });
  }
}

function asWaiting(
  { reading, measure }: { reading: Reading; measure?: Measure },
  before: Waiting | null,
): Waiting {
  const gate = measure?.name ?? reading.what;
  const since = before?.gate === gate ? before.since : new Date().toISOString();
  return { gate, value: reading.value, threshold: reading.threshold, since };
}

function asEvidence(
  { what, verdict, value, threshold }: Reading,
  position: number,
): EvidenceRecord {
  return { position, what, verdict, value, threshold };
}
