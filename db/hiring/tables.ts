/** The tables that the hiring service owns. */
import { bigint, pgTable, text, uuid } from 'drizzle-orm/pg-core';

/** Managers as COMM-010 replicates them; the version is the owner's. */
export const managerReplicas = pgTable('manager_replicas', {
  id: uuid().primaryKey(),
  version: bigint({ mode: 'bigint' }).notNull(),
  firstName: text('first_name').notNull(),
  lastName: text('last_name').notNull(),
});
