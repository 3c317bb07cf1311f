/** Rows of a table by their id. */

export interface Row {
  readonly id: string;
}

export function byId<R extends Row>(rows: readonly R[]): Map<string, R> {
  return new Map(rows.map((row) => [row.id, row]));
}
