/** What most consumers of a formal link do: keep the newest row of every key in a table. */
import type { EventJson } from '../contracts/contract.ts';
import { LinkError } from '../errors.ts';
import { type Change, type FormalHandler, formal, namesIn } from './handler.ts';
import { type NewerRow, type ReplicaTable, upsertNewer } from './upsertNewer.ts';

/** How a change came, for what depends on more than its payload. */
export type Came = Pick<Change, 'contractVersion' | 'older'>;

/**
 * For each event, by its name: the value of every column of the form that its contract version has,
 * from its payload.
 */
export type ValuesByEvent<Event extends EventJson> = {
  readonly [One in Event as One['event_name']]: (
    payload: One['payload'],
    came: Came,
  ) => NewerRow['values'];
};

/**
 * A formal handler that keeps the newest state of every key in the table.
 *
 * @example
 * keepNewest<LinkEvent<'COMM-060'>>(ratingReplica, {
 *   AssessmentRatingChanged: ({ rating }) => ({ rating }),
 * });
 */
export function keepNewest<Event extends EventJson>(
  table: ReplicaTable,
  valuesByEvent: ValuesByEvent<Event>,
): FormalHandler<Event> {
  const valuesOf = new Map<string, ValuesByEvent<EventJson>[string]>(Object.entries(valuesByEvent));
  const rowOf = (change: Change): NewerRow => {
    const { key, version, event, payload } = change;
    const values = valuesOf.get(event)?.(payload, change);
    if (!values) throw new LinkError('UNKNOWN_EVENT', `${event} has no handler`);
    return { key, version, values };
  };
  return formal<Event>(namesIn(valuesByEvent), async (tx, changes) => {
    // While lanes move to another version a batch may hold both.
    const byVersion = Map.groupBy(changes, ({ contractVersion }) => contractVersion);
    const written = new Set<string>();
    for (const [version, some] of byVersion)
      for (const key of await upsertNewer(tx, table, some.map(rowOf), version)) written.add(key);
    return written;
  });
}
