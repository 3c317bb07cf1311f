/** Replicas of managers, as COMM-010 brings them: the same in the databases of all its consumers. */
import { type Came, type Database, keepNewest, type ReplicaTable } from 'relink';
import type { LinkEvent } from './links.ts';
import { nicknameOf, nicknameSql } from './mappings/nicknames.ts';

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

type ManagerEvent = LinkEvent<'COMM-010'>;

/** Keeps the newest state of every manager. */
export const putManagers = keepNewest<ManagerEvent>(managerReplica, {
  ManagerCreated: valuesOf,
  ManagerUpdated: valuesOf,
});

/** Version 0 brings the names; the nickname then follows from the id. */
function valuesOf({ nickname }: ManagerEvent['payload'], { contractVersion, older }: Came) {
  return contractVersion === 0 ? { ...older, nickname: null } : { nickname };
}

export interface ManagerReplica {
  readonly id: string;
  readonly version: bigint;
  readonly nickname: string;
  /** Null when version 1 brought the manager. */
  readonly firstName: string | null;
  readonly lastName: string | null;
}

type Row = Omit<ManagerReplica, 'nickname'> & { readonly nickname: string | null };

export async function findManagerReplica(
  sql: Database,
  id: string,
): Promise<ManagerReplica | undefined> {
  const [row] = await sql<Row[]>`
    select id, version, nickname, to_jsonb(manager_replicas) ->> 'first_name' as "firstName",
      to_jsonb(manager_replicas) ->> 'last_name' as "lastName"
    from manager_replicas where id = ${id}`;
  if (!row) return undefined;
  const { nickname } = row;
  if (nickname !== null) return { ...row, nickname, firstName: null, lastName: null };
  return { ...row, nickname: nicknameOf(row.id) };
}
