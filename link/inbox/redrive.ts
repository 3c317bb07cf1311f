/** Redrives a dead letter, once: its state, its effect and its inbox row commit together. */
import { isTransient } from '../../rpc/transient.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Database, Transaction } from '../../runtime/postgres.ts';
import type { LinkDefinition } from '../link.ts';
import { ID_REUSED } from './alarms.ts';
import { arrivalOf, storableDetail, takeForRedrive } from './deadLetters.ts';
import { setOutcome } from './deduplicate.ts';
import { checkArrival, type Delivery, isUuid } from './delivery.ts';
import { DEFAULT_LIMITS } from './failures.ts';
import { type Handler, withinLimit } from './handler.ts';
import { describePassed, lockPositions, savePositions, takeTurns } from './ordered.ts';

export type RedriveResult =
  | { readonly outcome: 'applied' | 'superseded' }
  /** It failed again; it is still dead and the detail says why. */
  | { readonly outcome: 'dead'; readonly detail: string }
  /** It is not dead: unknown, discarded, or already redriven. Nothing was done. */
  | { readonly outcome: 'gone' };

export interface Redriving {
  /** Ordered links: applies it although its key has passed its version. */
  readonly isOutOfTurn?: boolean;
}

class StillDead extends Error {}

/** Redrives one dead letter. However often it is called, only one call has an effect. */
export async function redrive(
  sql: Database,
  link: LinkDefinition,
  handler: Handler,
  id: string,
  actor: string,
  { isOutOfTurn = false }: Redriving = {},
): Promise<RedriveResult> {
  try {
    return (await sql.begin(async (tx): Promise<RedriveResult> => {
      const row = await takeForRedrive(tx, id, actor);
      if (!row) return { outcome: 'gone' };
      // Its id belongs to another message, whose inbox row and effect must stay as they are.
      if (row.reason === 'ID_REUSED') throw new StillDead(`${ID_REUSED}: discard it`);
      const checked = checkArrival(link, arrivalOf(row), handler);
      if (!checked.ok) throw new StillDead(`${checked.reason}: ${checked.detail}`);
      const { delivery } = checked;
      const outcome = await apply(tx, link, handler, delivery, isOutOfTurn);
      if (isUuid(delivery.eventId)) await setOutcome(tx, [delivery.eventId], outcome);
      return { outcome };
    })) as RedriveResult;
  } catch (error) {
    // Nothing is wrong with it, or whether it is committed is unknown: say nothing about it.
    if (isTransient(error)) throw error;
    return { outcome: 'dead', detail: storableDetail(messageOf(error)) };
  }
}

const { handlerTimeoutMs: limitMs } = DEFAULT_LIMITS;

async function apply(
  tx: Transaction,
  link: LinkDefinition,
  handler: Handler,
  delivery: Delivery,
  isOutOfTurn: boolean,
): Promise<'applied' | 'superseded'> {
  if (handler.kind === 'formal') {
    const applied = await withinLimit(limitMs, handler.apply(tx, [delivery]));
    return applied.has(delivery.key) ? 'applied' : 'superseded';
  }
  if (link.ordered) {
    const { later, past, positions } = takeTurns(
      [delivery],
      await lockPositions(tx, link.id, [delivery.key]),
    );
    if (later.length > 0)
      throw new StillDead('an earlier message of its key is not settled: redrive that one first');
    if (past.length > 0 && !isOutOfTurn)
      throw new StillDead(
        `${describePassed(delivery, positions.get(delivery.key)!)}. If what it says never took ` +
          'effect, redrive it with --out-of-turn; if it did, discard it',
      );
    await savePositions(tx, link.id, positions);
  }
  await withinLimit(limitMs, handler.apply(tx, delivery));
  return 'applied';
}
