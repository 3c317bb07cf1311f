/** Managers in PostgreSQL. */

import { eq, sql } from 'drizzle-orm';
import type { Database, EntitySource, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { managers } from '../../../db/assessments/tables.ts';
import { isWanted } from '../../paging.ts';
import { type Manager, managerCreated, type Names } from '../domain/manager.ts';

/** Inserts a manager; answers false when the id is taken. */
export async function insertManager(tx: Transaction, manager: Manager): Promise<boolean> {
  const made = drizzle(tx).insert(managers).values(manager).onConflictDoNothing();
  const rows = await made.returning({ id: managers.id });
  return rows.length === 1;
}

/** Renames a manager under its row lock, which orders its versions; undefined when unknown. */
export async function renameManager(
  tx: Transaction,
  id: string,
  names: Partial<Names>,
  now: Date,
): Promise<Manager | undefined> {
  const [manager] = await drizzle(tx)
    .update(managers)
    .set({ ...names, version: sql`${managers.version} + 1`, updatedAt: now })
    .where(eq(managers.id, id))
    .returning();
  return manager;
}

export async function findManager(sql: Database, id: string): Promise<Manager | undefined> {
  const [manager] = await drizzle(sql).select().from(managers).where(eq(managers.id, id));
  return manager;
}

/** COMM-010's entity on the owner's side. */
export const managerSource: EntitySource = {
  table: 'managers',
  key: 'id',
  version: 'version',
  texts: ['first_name', 'last_name'],
  page: async (tx, wanted) => {
    const page = await drizzle(tx)
      .select()
      .from(managers)
      .where(isWanted(managers.id, wanted))
      .orderBy(managers.id)
      .limit(wanted.limit);
    return page.map((manager) => ({ ...managerCreated(manager), key: manager.id }));
  },
};
