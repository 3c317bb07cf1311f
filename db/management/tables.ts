/** The tables that the management service owns. */
import { bigint, jsonb, pgTable, text, timestamp, unique, uuid } from 'drizzle-orm/pg-core';

const time = (name: string) => timestamp(name, { withTimezone: true });

/** Candidates as COMM-030 replicates them; the version is the owner's. */
export const candidateReplicas = pgTable('candidate_replicas', {
  id: uuid().primaryKey(),
  version: bigint({ mode: 'bigint' }).notNull(),
  name: text().notNull(),
  status: text().$type<'candidate' | 'teacher'>().notNull(),
  /** Ids of the exercises that are assigned and not solved yet. */
  exercisesToSolve: jsonb('exercises_to_solve').$type<readonly string[]>().notNull(),
});

/** Candidates that were promoted to teachers. */
export const teachers = pgTable('teachers', {
  candidateId: uuid('candidate_id').primaryKey(),
  promotedAt: time('promoted_at').notNull(),
});

export const assignments = pgTable(
  'assignments',
  {
    id: uuid().primaryKey(),
    candidateId: uuid('candidate_id').notNull(),
    assessmentId: uuid('assessment_id').notNull(),
    assignedBy: text('assigned_by').notNull(),
    assignedAt: time('assigned_at').notNull(),
  },
  (t) => [unique('assignments_once').on(t.candidateId, t.assessmentId)],
);
