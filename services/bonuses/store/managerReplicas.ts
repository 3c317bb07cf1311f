/** Replicas of managers, as COMM-010 brings them. */
import { eq } from 'drizzle-orm';

import { managerReplicas } from '../../../db/bonuses/tables.ts';
import type { ReplicaTable } from '../../../link/inbox/upsertNewer.ts';
import type { EntityTable } from '../../../link/participant/entity.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { typed } from '../../drizzle.ts';

export const managerReplicaTable: ReplicaTable = {
  table: 'manager_replicas',
  key: { column: 'id', type: 'uuid' },
  version: 'version',
  columns: { first_name: 'text', last_name: 'text' },
};

/** COMM-010's entity on this side: the same texts as the owner's. */
export const managerReplica: EntityTable = {
  table: 'manager_replicas',
  key: 'id',
  version: 'version',
  texts: ['first_name', 'last_name'],
};

export async function findManagerReplica(sql: Database, id: string) {
  const [row] = await typed(sql).select().from(managerReplicas).where(eq(managerReplicas.id, id));
  return row;
}
