/**
 * Finds open rows that a leg's reads have passed and that its relay does not know: they committed after
 * more than GAP_MARGIN others, or have the number of another row (see outbox/openRows.ts).
 */
import type { Database } from '../../runtime/postgres.ts';
import { readIds, SPAN } from '../outbox/openRows.ts';
import type { LegRelay } from './legRelay.ts';

/** Numbers of unknown rows, from the beginning to the tail, in pieces that one statement can read. */
export async function* findUnknown(sql: Database, leg: LegRelay): AsyncGenerator<number[]> {
  const { window, gate } = leg;
  let span = SPAN;
  for (let after = 0; after < window.tail && gate.readMask() !== 0; ) {
    const through = Math.min(after + span, window.tail);
    const order = { leg: window.leg, laneMask: gate.readMask() };
    try {
      const ids = await readIds(sql, order, { after, through });
      const unknown = ids.filter((id) => window.isPassed(id.lane, id.seq) && !window.has(id));
      if (unknown.length > 0) yield unknown.map(({ seq }) => seq);
      after = through;
      span = ids.length === 0 ? span * 2 : SPAN;
    } catch (error) {
      // A larger piece may have taken too long.
      if (span === SPAN) throw error;
      span = SPAN;
    }
  }
}
