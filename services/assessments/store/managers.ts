/** Managers in PostgreSQL. */

import { eq, inArray, sql } from 'drizzle-orm';
import type { Database, EntitySource, NamedEntity, Transaction } from 'relink';
import { drizzle } from 'relink/runtime';
import { managers } from '../../../db/assessments/tables.ts';
import { nicknameOf, nicknameSql } from '../../mappings/nicknames.ts';
import { isWanted } from '../../paging.ts';
import { type Manager, managerCreated, type Names, namesToWire } from '../domain/manager.ts';

/** Inserts a manager; answers false when the id or the nickname is taken. */
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
  return manager && toManager(manager);
}

export async function findManager(sql: Database, id: string): Promise<Manager | undefined> {
  const [manager] = await drizzle(sql).select().from(managers).where(eq(managers.id, id));
  return manager && toManager(manager);
}

/** A row of a build that knows no nicknames has the one that follows from its id. */
function toManager({ nickname, ...row }: typeof managers.$inferSelect): Manager {
  return { ...row, nickname: nickname ?? nicknameOf(row.id) };
}

function toNamed({ id, nickname, firstName, lastName }: Manager): NamedEntity {
  const names = [`${firstName} ${lastName}`, `${lastName} ${firstName}`];
  return { key: id, alias: nickname, fields: namesToWire({ firstName, lastName }), names };
}

/** COMM-010's entity on the owner's side. */
export const managerSource: EntitySource = {
  table: 'managers',
  key: 'id',
  version: 'version',
  forms: {
    0: { texts: ['first_name', 'last_name'] },
    1: {
      texts: [`coalesce(nickname, ${nicknameSql('id')})`],
      isStored: 'nickname is not null',
      store: `nickname = ${nicknameSql('id')}`,
    },
  },
  page: async (tx, wanted) => {
    const page = await drizzle(tx)
      .select()
      .from(managers)
      .where(isWanted(managers.id, wanted))
      .orderBy(managers.id)
      .limit(wanted.limit);
    return page.map((manager) => ({ ...managerCreated(toManager(manager)), key: manager.id }));
  },
  complement: async (sql, keys) => {
    const named = await drizzle(sql)
      .select({ id: managers.id, firstName: managers.firstName, lastName: managers.lastName })
      .from(managers)
      .where(inArray(managers.id, [...keys]));
    return new Map(named.map(({ id, ...names }) => [id, namesToWire(names)]));
  },
  phrases: async (sql, { afterKey, limit }) => {
    const page = await drizzle(sql)
      .select()
      .from(managers)
      .where(isWanted(managers.id, { afterKey, keys: [] }))
      .orderBy(managers.id)
      .limit(limit);
    return page.map((row) => toNamed(toManager(row)));
  },
};
