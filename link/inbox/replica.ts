/** What most consumers of a formal link do: keep the newest row of every key in a table. */
import type { EventJson } from '../contracts/contract.ts';
import { LinkError } from '../errors.ts';
import { type FormalHandler, formal, namesIn } from './handler.ts';
import { type NewerRow, type ReplicaTable, upsertNewer } from './upsertNewer.ts';

/** For each event, by its name: the value of every other column of the table, from its payload. */
export type ValuesByEvent<Event extends EventJson> = {
  readonly [One in Event as One['event_name']]: (payload: One['payload']) => NewerRow['values'];
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
  const valuesOf = new Map<string, (payload: EventJson['payload']) => NewerRow['values']>(
    Object.entries(valuesByEvent),
  );
  return formal<Event>(namesIn(valuesByEvent), async (tx, changes) => {
    const rows = changes.map(({ key, version, event, payload }): NewerRow => {
      const values = valuesOf.get(event)?.(payload);
      if (!values) throw new LinkError('UNKNOWN_EVENT', `${event} has no handler`);
      return { key, version, values };
    });
    return upsertNewer(tx, table, rows);
  });
}
