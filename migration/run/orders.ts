/** Orders of a person to a run. An order is a transition like any other; it needs no lease. */

import { MigrationError } from '../errors.ts';
import { planNamed } from '../plans/index.ts';
import type { Journal } from './journal.ts';
import * as life from './life.ts';
import type { EvidenceRecord, RunRecord, RunWithSteps } from './record.ts';

/** The engine may record while a person orders; the order is then decided again on the newer record. */
const TRIES = 50;

export type Order = 'approve' | 'pause' | 'resume' | 'rollback' | 'cancel' | 'complete';

export interface OrderRequest {
  readonly order: Order;
  readonly runId: string;
  readonly actor: string;
  /** With `complete`: the link's name. */
  readonly confirm?: string;
}

/**
 * Records an order and returns the run after it.
 * @throws MigrationError RUN_UNKNOWN, RUN_STATE, CONFIRMATION_WRONG
 */
export async function giveOrder(journal: Journal, request: OrderRequest): Promise<RunWithSteps> {
  let seen: RunRecord | undefined;
  for (let tries = 0; ; tries += 1) {
    const current = await requireRun(journal, request.runId);
    seen ??= current.run;
    if (request.order === 'approve') refuseOtherQuestion(seen, current.run);
    const change = decide(current, request);
    if (Object.keys(change).length === 0) return current;
    try {
      return await journal.record(current, { ...change, evidence: [signed(current, request)] });
    } catch (error) {
      const isRaced = error instanceof MigrationError && error.code === 'RUN_CHANGED';
      if (!isRaced || tries >= TRIES) throw error;
    }
  }
}

export async function requireRun(journal: Journal, id: string): Promise<RunWithSteps> {
  const current = await journal.read(id);
  if (current) return current;
  throw new MigrationError('RUN_UNKNOWN', `there is no run ${id}; relink runs lists them`);
}

/** Someone else approved what this person saw, and the run waits again: for that no one has asked. */
function refuseOtherQuestion(seen: RunRecord, { id, state, waiting }: RunRecord): void {
  if (state !== 'waiting' || waiting?.threshold === seen.waiting?.threshold) return;
  throw new MigrationError(
    'RUN_STATE',
    `run ${id} has moved on: it waits ${waiting?.threshold} now; see relink status ${id}`,
  );
}

function decide(current: RunWithSteps, request: OrderRequest): life.Change {
  const { run, steps } = current;
  switch (request.order) {
    case 'approve':
      return life.approve(current);
    case 'pause':
      return life.pause(current, new Date().toISOString());
    case 'resume':
      return life.resume(current);
    case 'rollback':
      return life.rollBack(current, request.actor);
    case 'cancel': {
      const plan = planNamed(run.plan, run.settings);
      // Without the plan it is unknown what has moved, so assume that traffic has.
      const isMoved = plan ? life.hasMoved(steps, plan.steps) : true;
      return life.cancel(current, isMoved, request.actor);
    }
    case 'complete':
      return life.complete(current, request.confirm ?? '', new Date().toISOString());
  }
}

/** Who gave the order, as evidence of the step at which it reached the run. */
function signed({ steps }: RunWithSteps, { order, actor }: OrderRequest): EvidenceRecord {
  const reached = steps.findLast(({ state }) => state !== 'pending');
  const position = reached?.position ?? 0;
  return { position, what: `order: ${order}`, verdict: '', value: actor, threshold: '' };
}
