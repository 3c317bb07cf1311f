/** The tables that the hiring service owns. */
import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';

const int8 = (name: string) => bigint(name, { mode: 'bigint' });
const time = (name: string) => timestamp(name, { withTimezone: true });

/**
 * Managers as COMM-010 replicates them; the version is the owner's. Version 0 brings the names,
 * version 1 the nickname alone; once nothing else comes, a contract change drops the names.
 */
export const managerReplicas = pgTable('manager_replicas', {
  id: uuid().primaryKey(),
  version: bigint({ mode: 'bigint' }).notNull(),
  firstName: text('first_name'),
  lastName: text('last_name'),
  /** Follows from the id; null in rows of builds that know no nicknames. */
  nickname: text(),
});

/** One exercise as the assessment's events carry it. */
export interface ExerciseValue {
  exercise_id: string;
  title: string;
  text: string;
  difficulty: number;
}

/** Assessments as COMM-020 and COMM-021 replicate them; the version is the owner's. */
export const assessmentReplicas = pgTable('assessment_replicas', {
  id: uuid().primaryKey(),
  version: int8('version').notNull(),
  authorId: uuid('author_id').notNull(),
  /** Without its knowledge area; where that is null, whole: `[Knowledge Area] Title`. */
  title: text().notNull(),
  /** Empty: there is none. Null: the row is stored as contract version 0 has it. */
  knowledgeArea: text('knowledge_area'),
  exercises: jsonb().$type<ExerciseValue[]>().notNull(),
});

export const candidates = pgTable(
  'candidates',
  {
    id: uuid().primaryKey(),
    /** Grows by one with every change, under the row's lock: the order of the candidate's events. */
    version: int8('version').notNull(),
    name: text().notNull(),
    status: text().$type<'candidate' | 'teacher'>().notNull(),
    /** Ids of the exercises that are assigned and not solved yet. */
    exercisesToSolve: jsonb('exercises_to_solve').$type<readonly string[]>().notNull(),
    createdAt: time('created_at').notNull(),
  },
  () => [check('candidates_status', sql`status in ('candidate', 'teacher')`)],
);

/** Who may solve what, as COMM-070 says. */
export const assignments = pgTable(
  'assignments',
  {
    id: uuid().primaryKey(),
    candidateId: uuid('candidate_id').notNull(),
    assessmentId: uuid('assessment_id').notNull(),
    assignedBy: text('assigned_by').notNull(),
    assignedAt: time('assigned_at').notNull(),
  },
  (t) => [
    unique('assignments_once').on(t.candidateId, t.assessmentId),
    // Who waits for the exercises of an assessment.
    index('assignments_assessment').on(t.assessmentId),
  ],
);

export const solutions = pgTable(
  'solutions',
  {
    id: uuid().primaryKey(),
    candidateId: uuid('candidate_id').notNull(),
    assessmentId: uuid('assessment_id').notNull(),
    exerciseId: uuid('exercise_id').notNull(),
    authorId: uuid('author_id').notNull(),
    state: text().$type<'accepted' | 'rejected' | 'revoked'>().notNull(),
    /** Who or what judged it; empty when unknown. */
    acceptedBy: text('accepted_by').notNull().default(''),
    submittedAt: time('submitted_at').notNull(),
    revokedAt: time('revoked_at'),
  },
  (t) => [
    // What a candidate has solved.
    index('solutions_candidate').on(t.candidateId),
    check('solutions_state', sql`state in ('accepted', 'rejected', 'revoked')`),
    check('solutions_revoked', sql`(state = 'revoked') = (revoked_at is not null)`),
  ],
);

/** The rating of an assessment and the counts it comes from. */
export const assessmentRatings = pgTable(
  'assessment_ratings',
  {
    assessmentId: uuid('assessment_id').primaryKey(),
    /** Grows by one with every result, under the row's lock: the order of the rating's events. */
    version: int8('version').notNull(),
    results: int8('results').notNull(),
    accepted: int8('accepted').notNull(),
    rating: integer().notNull(),
    ratedAt: time('rated_at').notNull(),
  },
  () => [
    check('assessment_ratings_counts', sql`accepted between 0 and results`),
    check('assessment_ratings_rating', sql`rating between 0 and 100`),
  ],
);

/** How often an exercise was completed correctly; a later revocation does not take one away. */
export const exerciseCompletions = pgTable('exercise_completions', {
  exerciseId: uuid('exercise_id').primaryKey(),
  completed: int8('completed').notNull(),
});
