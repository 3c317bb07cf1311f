/** The tables that the assessments service owns. */
import { sql } from 'drizzle-orm';
import {
  bigint,
  index,
  jsonb,
  pgTable,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

const time = (name: string) => timestamp(name, { withTimezone: true });

export const managers = pgTable(
  'managers',
  {
    id: uuid().primaryKey(),
    /** Grows by one with every change, under the row's lock: the order of the manager's events. */
    version: bigint({ mode: 'bigint' }).notNull().default(sql`1`),
    firstName: text('first_name').notNull(),
    lastName: text('last_name').notNull(),
    /** Follows from the id; null in rows of builds that know no nicknames, until COMM-010 is v1. */
    nickname: text(),
    createdAt: time('created_at').notNull(),
    updatedAt: time('updated_at').notNull(),
  },
  // Partial: added to many rows without one, it is empty and blocks nobody.
  (t) => [uniqueIndex('managers_nickname').on(t.nickname).where(sql`nickname is not null`)],
);

/** One exercise as it is kept in its assessment: the same keys as in the assessment's events. */
export interface ExerciseValue {
  exercise_id: string;
  title: string;
  text: string;
  difficulty: number;
}

/** An assessment is read and changed as a whole, so its exercises are a value of its row. */
export const assessments = pgTable(
  'assessments',
  {
    id: uuid().primaryKey(),
    /** Grows by one with every change, under the row's lock: the order of the assessment's events. */
    version: bigint({ mode: 'bigint' }).notNull(),
    authorId: uuid('author_id').notNull(),
    /** Without its knowledge area; where that is null, whole: `[Knowledge Area] Title`. */
    title: text().notNull(),
    /** Empty: there is none. Null: the row is stored as contract version 0 has it. */
    knowledgeArea: text('knowledge_area'),
    exercises: jsonb().$type<ExerciseValue[]>().notNull(),
    createdAt: time('created_at').notNull(),
    updatedAt: time('updated_at').notNull(),
  },
  // Finds the assessment of an exercise.
  (t) => [index('assessments_exercises').using('gin', sql`${t.exercises} jsonb_path_ops`)],
);
