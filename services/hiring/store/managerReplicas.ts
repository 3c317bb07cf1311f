/** Replicas of managers, as COMM-010 brings them. */

import { eq } from 'drizzle-orm';
import type { Database, ReplicaTable } from 'relink';
import { drizzle } from 'relink/runtime';
import { managerReplicas } from '../../../db/hiring/tables.ts';

/** COMM-010's entity on this side: its columns in the order of the owner's texts. */
export const managerReplica: ReplicaTable = {
  table: 'manager_replicas',
  key: { column: 'id', type: 'uuid' },
  version: 'version',
  forms: { 0: { columns: { first_name: 'text', last_name: 'text' } } },
};

type ManagerReplica = typeof managerReplicas.$inferSelect;

export async function findManagerReplica(
  sql: Database,
  id: string,
): Promise<ManagerReplica | undefined> {
  const [row] = await drizzle(sql).select().from(managerReplicas).where(eq(managerReplicas.id, id));
  return row;
}
