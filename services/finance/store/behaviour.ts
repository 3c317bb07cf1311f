/** How finance is told to behave, in PostgreSQL, so that all its processes do. */

import { getColumns } from 'drizzle-orm';
import type { Database } from 'relink';
import { drizzle } from 'relink/runtime';
import { behaviour as table } from '../../../db/finance/tables.ts';
import { type Behaviour, WELL } from '../domain/behaviour.ts';

const { id, ...columns } = getColumns(table);

export async function readBehaviour(sql: Database): Promise<Behaviour> {
  const [row] = await drizzle(sql).select(columns).from(table);
  return row ?? WELL;
}

export async function saveBehaviour(sql: Database, behaviour: Behaviour): Promise<void> {
  await drizzle(sql)
    .insert(table)
    .values(behaviour)
    .onConflictDoUpdate({ target: id, set: behaviour });
}
