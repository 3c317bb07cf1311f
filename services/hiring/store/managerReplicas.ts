/** Replicas of managers, as COMM-010 brings them. */

import type { Database, ReplicaTable } from 'relink';

/** COMM-010's entity on this side: its columns in the order of the owner's texts. */
export const managerReplica: ReplicaTable = {
  table: 'manager_replicas',
  key: { column: 'id', type: 'uuid' },
  version: 'version',
  columns: { first_name: 'text', last_name: 'text' },
};

export interface ManagerReplica {
  readonly id: string;
  readonly version: bigint;
  readonly firstName: string;
  readonly lastName: string;
}

export async function findManagerReplica(
  sql: Database,
  id: string,
): Promise<ManagerReplica | undefined> {
  const [row] = await sql<ManagerReplica[]>`
    select id, version, first_name as "firstName", last_name as "lastName"
    from manager_replicas where id = ${id}`;
  return row;
}
