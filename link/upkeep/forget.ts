/** Removes what is over and was kept to be looked at: a bounded number of rows in one statement. */
import type { PendingQuery, Row } from 'postgres';
import type { Database } from '../../runtime/postgres.ts';

const ROWS_AT_ONCE = 5_000;
/** Results of copies and comparisons: a run looks only at those since its own steps began. */
const COMPARED_KEPT = '2 days';
/** Relays that were alive: the others look back some seconds. */
const RELAYS_KEPT = '1 hour';

/** Removes failed tries and ended dead letters of before the horizon, and old results. */
export async function forgetOld(sql: Database, horizonDays: number): Promise<void> {
  const kept = `${horizonDays} days`;
  for (const [table, isOver] of [
    ['attempts', sql`last_at < now() - ${kept}::interval`],
    ['dead_letters', sql`state <> 'dead' and ended_at < now() - ${kept}::interval`],
    ['shadow_results', sql`received_at < now() - ${COMPARED_KEPT}::interval`],
    ['effects', sql`applied_at < now() - ${COMPARED_KEPT}::interval`],
    ['comparisons', sql`compared_at < now() - ${COMPARED_KEPT}::interval`],
    ['relays', sql`seen_at < now() - ${RELAYS_KEPT}::interval`],
  ] as const)
    while ((await forgetSome(sql, table, isOver)) === ROWS_AT_ONCE);
}

async function forgetSome(
  sql: Database,
  name: string,
  isOver: PendingQuery<Row[]>,
): Promise<number> {
  const table = sql`relink.${sql(name)}`;
  const { count } = await sql`delete from ${table}
    where ctid = any(array(select ctid from ${table} where ${isOver} limit ${ROWS_AT_ONCE}))`;
  return count;
}
