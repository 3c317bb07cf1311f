/** Orders of a person to a run. An order is a transition like any other; it needs no lease. */

import { RpcCallError } from '../../rpc/client.ts';
import { MigrationError } from '../errors.ts';
import { findUnmet } from '../gates/closing.ts';
import { describeStrays, findStrays } from '../leg/strays.ts';
import type { Participants } from '../participants.ts';
import { planOf } from '../plans/index.ts';
import type { Journal } from './journal.ts';
import * as life from './life.ts';
import { linksOf, nameLinks, runOfLink } from './links.ts';
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
  /** With `resume`: why what differs for ever is certified as an exception; empty: it is not. */
  readonly accept?: string;
}

/** What an order is decided and recorded with. */
export interface OrderDesk {
  readonly journal: Journal;
  readonly participants: Participants;
}

/**
 * Records an order and returns the run after it.
 * @throws MigrationError RUN_UNKNOWN, RUN_STATE, CONFIRMATION_WRONG, PARTICIPANT_AWAY
 */
export async function giveOrder(
  { journal, participants }: OrderDesk,
  request: OrderRequest,
): Promise<RunWithSteps> {
  let seen: RunRecord | undefined;
  for (let tries = 0; ; tries += 1) {
    const current = await requireRun(journal, request.runId);
    seen ??= current.run;
    if (request.order === 'approve') refuseOtherQuestion(seen, current.run);
    const change = decide(current, request);
    if (Object.keys(change).length === 0) return current;
    const isCompleting = request.order === 'complete';
    const strays = isCompleting ? await lookAgain(participants, current.run) : [];
    try {
      if (strays.length > 0) throw await refuseStrays(journal, current, strays);
      if (isCompleting) await refuseUnmet(participants, current.run);
      const evidence = [...(change.evidence ?? []), signed(current, request)];
      return await journal.record(current, { ...change, evidence });
    } catch (error) {
      const isRaced = error instanceof MigrationError && error.code === 'RUN_CHANGED';
      if (!isRaced || tries >= TRIES) throw error;
    }
  }
}

/** Where the lanes are now: nobody watched them when the run began to wait. */
function lookAgain(participants: Participants, run: RunRecord): Promise<string[]> {
  const unknown = `where the lanes of ${nameLinks(run)} are`;
  return answered(run, unknown, () => findStrays({ participants, run }, { closing: true }));
}

/** @throws MigrationError RUN_STATE while something still needs what completing gives up */
async function refuseUnmet(participants: Participants, run: RunRecord): Promise<void> {
  const { signal } = new AbortController();
  const measures = planOf(run)?.steps.find((step) => step.kind === 'completion')?.measures ?? [];
  for (const moved of linksOf(run)) {
    const context = { participants, run: runOfLink(run, moved), signal };
    const unknown = `whether anything of ${moved.link} needs v${moved.from.version}`;
    const unmet = await answered(run, unknown, () => findUnmet(context, measures));
    if (unmet) throw notYet(run, `${moved.link}: ${unmet.what}: ${unmet.value}`);
  }
}

function notYet({ id, wayBack }: RunRecord, why: string): MigrationError {
  const open = wayBack === 'keep' ? '; the way back stays open' : '';
  const next = `mend it, then relink complete ${id}`;
  return new MigrationError(
    'RUN_STATE',
    `run ${id} cannot be completed yet: ${why}${open}: ${next}`,
  );
}

/** @throws MigrationError PARTICIPANT_AWAY */
async function answered<T>(run: RunRecord, what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof RpcCallError)) throw error;
    const why = `nobody can say ${what}: ${error.message}`;
    const next = `once it answers: relink complete ${run.id}`;
    throw new MigrationError('PARTICIPANT_AWAY', `${why}; ${next}`, { cause: error });
  }
}

/** Pauses the run, so that it can be resumed; returns the refusal. */
async function refuseStrays(journal: Journal, current: RunWithSteps, strays: readonly string[]) {
  const problem = describeStrays(current.run, strays);
  await journal.record(current, life.stray(current.run, problem, new Date().toISOString()));
  return new MigrationError('RUN_STATE', `run ${current.run.id} is paused now: ${problem}`);
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
    case 'resume': {
      const moves = planOf(run)?.steps;
      const resumed = life.resume(
        current,
        moves?.findIndex(({ movesTraffic }) => movesTraffic),
      );
      return request.accept
        ? life.accept(current, resumed, request.actor, request.accept)
        : resumed;
    }
    case 'rollback':
      return life.rollBack(current, request.actor);
    case 'cancel': {
      const plan = planOf(run);
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
