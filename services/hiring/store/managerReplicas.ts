/** Replicas of managers, as COMM-010 brings them. */

import { eq, sql as raw } from 'drizzle-orm';
import type { Database, ReplicaTable } from 'relink';
import { drizzle } from 'relink/runtime';
import { managerReplicas } from '../../../db/hiring/tables.ts';
import { nicknameOf, nicknameSql } from '../../mappings/nicknames.ts';

/**
 * COMM-010's entity on this side: its columns in the order of the owner's texts. A row has a nickname
 * only if version 1 brought it; names beside it are of before, kept for the way back and shown to
 * nobody. A contract change drops them, so nothing that runs after it may name their columns: they are
 * read as fields.
 */
export const managerReplica: ReplicaTable = {
  table: 'manager_replicas',
  key: { column: 'id', type: 'uuid' },
  version: 'version',
  forms: {
    0: {
      columns: { first_name: 'text', last_name: 'text', nickname: 'text' },
      texts: [fieldOf('first_name'), fieldOf('last_name')],
      isStored: 'nickname is null',
      store: 'nickname = null',
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
  /** Null when version 1 brought the manager. */
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
  if (!row) return undefined;
  const { nickname, ...rest } = row;
  if (nickname !== null) return { ...rest, nickname, firstName: null, lastName: null };
  return { ...rest, nickname: nicknameOf(row.id) };
}
