/** Replicas of managers, as COMM-010 brings them. */

import { eq, sql as raw } from 'drizzle-orm';
import type { Database, ReplicaTable } from 'relink';
import { drizzle } from 'relink/runtime';
import { managerReplicas } from '../../../db/bonuses/tables.ts';
import { nicknameOf, nicknameSql } from '../../mappings/nicknames.ts';

/**
 * COMM-010's entity on this side: its columns in the order of the owner's texts. A contract change
 * drops the names, so nothing that runs after it may name their columns: they are read as fields.
 */
export const managerReplica: ReplicaTable = {
  table: 'manager_replicas',
  key: { column: 'id', type: 'uuid' },
  version: 'version',
  forms: {
    0: {
      columns: { first_name: 'text', last_name: 'text', nickname: 'text' },
      texts: [fieldOf('first_name'), fieldOf('last_name')],
      isStored: `${fieldOf('first_name')} is not null`,
    },
    1: {
      columns: { nickname: 'text' },
      texts: [`coalesce(nickname, ${nicknameSql('id')})`],
      isStored: 'nickname is not null',
      store: `nickname = ${nicknameSql('id')}`,
    },
  },
};

function fieldOf(column: string): string {
  return `(to_jsonb(manager_replicas) ->> '${column}')`;
}

export interface ManagerReplica {
  readonly id: string;
  readonly version: bigint;
  readonly nickname: string;
  /** Null when version 1 brought the manager, or the column is gone. */
  readonly firstName: string | null;
  readonly lastName: string | null;
}

export async function findManagerReplica(
  sql: Database,
  id: string,
): Promise<ManagerReplica | undefined> {
  const [row] = await drizzle(sql)
    .select({
      id: managerReplicas.id,
      version: managerReplicas.version,
      nickname: managerReplicas.nickname,
      firstName: raw<string | null>`${raw.raw(fieldOf('first_name'))}`,
      lastName: raw<string | null>`${raw.raw(fieldOf('last_name'))}`,
    })
    .from(managerReplicas)
    .where(eq(managerReplicas.id, id));
  return row && { ...row, nickname: row.nickname ?? nicknameOf(row.id) };
}
