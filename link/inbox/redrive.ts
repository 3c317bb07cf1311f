/** Trying a dead letter again, once: its state, its effect and its inbox row commit together. */
import type { Database } from '../../runtime/postgres.ts';
import type { LinkDefinition } from '../link.ts';
import { arrivalOf, takeForRedrive } from './deadLetters.ts';
import { checkArrival, isUuid } from './delivery.ts';
import type { Handler } from './handler.ts';
import { setOutcome } from './rows.ts';

export type RedriveResult =
  | { readonly outcome: 'applied' | 'superseded' }
  /** It failed again; it is still dead and the detail says why. */
  | { readonly outcome: 'dead'; readonly detail: string }
  /** It is not dead: unknown, discarded, or somebody else redrove it. Nothing happened. */
  | { readonly outcome: 'gone' };

class StillDead extends Error {}

/** Redrives one dead letter. However often it is called, one call has an effect. */
export async function redrive(
  sql: Database,
  link: LinkDefinition,
  handler: Handler,
  id: string,
  actor: string,
): Promise<RedriveResult> {
  try {
    return (await sql.begin(async (tx): Promise<RedriveResult> => {
      const row = await takeForRedrive(tx, id, actor);
      if (!row) return { outcome: 'gone' };
      const checked = checkArrival(link, arrivalOf(row));
      if (!checked.ok) throw new StillDead(`${checked.reason}: ${checked.detail}`);
      const { delivery } = checked;
      let outcome: 'applied' | 'superseded' = 'applied';
      if (handler.kind === 'functional') await handler.apply(tx, delivery);
      else if (!(await handler.apply(tx, [delivery])).has(delivery.key)) outcome = 'superseded';
      if (isUuid(delivery.eventId)) await setOutcome(tx, [delivery.eventId], outcome);
      return { outcome };
    })) as RedriveResult;
  } catch (error) {
    return { outcome: 'dead', detail: (error as Error).message };
  }
}
