/** What most consumers of a formal link do: keep the newest row of every key in a table. */
import { formal, type Handler } from './handler.ts';
import { type NewerRow, type ReplicaTable, upsertNewer } from './upsertNewer.ts';

/** `valuesOf` turns an event's payload into a value for each of the table's other columns. */
export function keepNewest(
  table: ReplicaTable,
  valuesOf: (payload: Record<string, unknown>) => NewerRow['values'],
): Handler {
  return formal((tx, changes) =>
    upsertNewer(
      tx,
      table,
      changes.map(({ key, version, payload }) => ({ key, version, values: valuesOf(payload) })),
    ),
  );
}
