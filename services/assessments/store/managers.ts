/** Managers in PostgreSQL. */

import type { Database, EntitySource, Transaction } from 'relink';
import { type Manager, managerUpdated, type Names } from '../domain/manager.ts';

/** Inserts a manager; answers false when the id is taken. */
export async function insertManager(tx: Transaction, manager: Manager): Promise<boolean> {
  const rows = await tx`
    insert into managers (id, version, first_name, last_name, created_at, updated_at)
    values (${manager.id}, ${manager.version}, ${manager.firstName}, ${manager.lastName},
      ${manager.createdAt.toISOString()}, ${manager.updatedAt.toISOString()})
    on conflict (id) do nothing returning id`;
  return rows.length === 1;
}

/** Renames a manager under its row lock, which orders its versions; undefined when unknown. */
export async function renameManager(
  tx: Transaction,
  id: string,
  names: Partial<Names>,
  now: Date,
): Promise<Manager | undefined> {
  const [row] = await tx<ManagerRow[]>`
    update managers set version = version + 1, updated_at = ${now.toISOString()},
      first_name = coalesce(${names.firstName ?? null}, first_name),
      last_name = coalesce(${names.lastName ?? null}, last_name)
    where id = ${id}
    returning id, version, first_name, last_name, created_at::text as created_at,
      updated_at::text as updated_at`;
  return row && managerOf(row);
}

export async function findManager(sql: Database, id: string): Promise<Manager | undefined> {
  const [row] = await sql<ManagerRow[]>`
    select id, version, first_name, last_name, created_at::text as created_at,
      updated_at::text as updated_at
    from managers where id = ${id}`;
  return row && managerOf(row);
}

/** COMM-010's entity on the owner's side. */
export const managerSource: EntitySource = {
  table: 'managers',
  key: 'id',
  version: 'version',
  texts: ['first_name', 'last_name'],
  page: async (tx, { afterKey, limit, keys }) => {
    const rows = await tx<ManagerRow[]>`
      select id, version, first_name, last_name, created_at::text as created_at,
        updated_at::text as updated_at
      from managers
      where (${afterKey} = '' or id > ${afterKey || ZERO_ID}::uuid)
        and (${keys.length} = 0 or id = any(${keys as string[]}::uuid[]))
      order by id limit ${limit}`;
    return rows.map((row) => ({ ...managerUpdated(managerOf(row)), key: row.id }));
  },
};

const ZERO_ID = '00000000-0000-0000-0000-000000000000';

interface ManagerRow {
  id: string;
  version: bigint;
  first_name: string;
  last_name: string;
  created_at: string;
  updated_at: string;
}

function managerOf(row: ManagerRow): Manager {
  return {
    id: row.id,
    version: row.version,
    firstName: row.first_name,
    lastName: row.last_name,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  };
}
