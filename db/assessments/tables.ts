/** The tables that the assessments service owns. */
import { sql } from 'drizzle-orm';
import { bigint, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });

export const managers = pgTable('managers', {
  id: uuid().primaryKey(),
  /** Grows by one with every change, under the row's lock: the order of the manager's events. */
  version: bigint({ mode: 'bigint' }).notNull().default(sql`1`),
  firstName: text('first_name').notNull(),
  lastName: text('last_name').notNull(),
  createdAt: time('created_at').notNull(),
  updatedAt: time('updated_at').notNull(),
});
