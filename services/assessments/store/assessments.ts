/** Assessments in PostgreSQL: a row each, exercises included. */

import { eq, gt, sql } from 'drizzle-orm';
import { type Database, type EntitySource, type Message, type Transaction, writesOf } from 'relink';
import { drizzle } from 'relink/runtime';
import { assessments, type ExerciseValue } from '../../../db/assessments/tables.ts';
import type { links } from '../../links.ts';
import { storedTitle, titleForms, titleOfRow } from '../../mappings/titles.ts';
import { isWanted, type Page } from '../../paging.ts';
import { type Assessment, assessmentCreated, assessmentUpdated } from '../domain/assessment.ts';

/** The links that carry assessments, as this build has them. */
export type AssessmentLinks = Pick<typeof links, 'COMM-020' | 'COMM-021'>;

/**
 * The contract version that this build stores assessments as: the one that it writes, so that builds
 * beside it that know no newer one can read the rows.
 */
export function storedVersionOf(links: AssessmentLinks): number {
  return Math.min(writesOf(links['COMM-020']), writesOf(links['COMM-021']));
}

/**
 * Inserts an assessment; answers false when the id is taken or the author is no manager: the row
 * comes from the author's, which is plainer in SQL.
 */
export async function insertAssessment(
  tx: Transaction,
  links: AssessmentLinks,
  assessment: Assessment,
): Promise<boolean> {
  const { title, knowledgeArea } = titleColumns(links, assessment);
  const rows = await tx`
    insert into assessments
      (id, version, author_id, title, knowledge_area, exercises, created_at, updated_at)
    select ${assessment.id}::uuid, ${assessment.version}::int8, id, ${title}::text,
      ${knowledgeArea}::text, ${JSON.stringify(valuesOf(assessment))}::text::jsonb, ${assessment.createdAt.toISOString()}::timestamptz,
      ${assessment.updatedAt.toISOString()}::timestamptz
    from managers where id = ${assessment.authorId}
    on conflict (id) do nothing returning id`;
  return rows.length === 1;
}

/** The assessment under its row lock, which orders its versions; undefined when unknown. */
export async function lockAssessment(tx: Transaction, id: string): Promise<Assessment | undefined> {
  const [row] = await drizzle(tx)
    .select()
    .from(assessments)
    .where(eq(assessments.id, id))
    .for('update');
  return row && assessmentOf(row);
}

/** The assessment that has the exercise, under its row lock; undefined when none has it (any more). */
export async function lockAssessmentOf(
  tx: Transaction,
  exerciseId: string,
): Promise<Assessment | undefined> {
  const holding = JSON.stringify([{ exercise_id: exerciseId }]);
  const [row] = await drizzle(tx)
    .select()
    .from(assessments)
    .where(sql`${assessments.exercises} @> ${holding}::text::jsonb`)
    .for('update');
  return row && assessmentOf(row);
}

/** Saves a changed assessment that is locked. */
export async function saveAssessment(
  tx: Transaction,
  links: AssessmentLinks,
  assessment: Assessment,
): Promise<void> {
  const { id, version, updatedAt } = assessment;
  const title = titleColumns(links, assessment);
  await drizzle(tx)
    .update(assessments)
    .set({ version, ...title, exercises: valuesOf(assessment), updatedAt })
    .where(eq(assessments.id, id));
}

export async function findAssessment(sql: Database, id: string): Promise<Assessment | undefined> {
  const [row] = await drizzle(sql).select().from(assessments).where(eq(assessments.id, id));
  return row && assessmentOf(row);
}

/** Assessments in the order of their ids. */
export async function listAssessments(
  sql: Database,
  { after, limit }: Page<string>,
): Promise<Assessment[]> {
  const rows = await drizzle(sql)
    .select()
    .from(assessments)
    .where(gt(assessments.id, after))
    .orderBy(assessments.id)
    .limit(limit);
  return rows.map(assessmentOf);
}

/** COMM-020's and COMM-021's entity on the owner's side; each link says the state by its own event. */
export const createdAssessmentSource = sourceOf(assessmentCreated);
export const updatedAssessmentSource = sourceOf(assessmentUpdated);

function sourceOf(toMessage: (assessment: Assessment) => Message): EntitySource {
  return {
    table: 'assessments',
    key: 'id',
    version: 'version',
    forms: { 0: formOf(0), 1: formOf(1) },
    page: async (tx, wanted) => {
      const rows = await drizzle(tx)
        .select()
        .from(assessments)
        .where(isWanted(assessments.id, wanted))
        .orderBy(assessments.id)
        .limit(wanted.limit);
      return rows.map((row) => ({ ...toMessage(assessmentOf(row)), key: row.id }));
    },
  };
}

function formOf(version: 0 | 1) {
  const form = titleForms[version];
  return { ...form, texts: ['author_id::text', ...form.texts, 'exercises::text'] };
}

function titleColumns(links: AssessmentLinks, { knowledgeArea, title }: Assessment) {
  return storedTitle({ knowledge_area: knowledgeArea, title }, storedVersionOf(links));
}

function assessmentOf(row: typeof assessments.$inferSelect): Assessment {
  const exercises = row.exercises.map(({ exercise_id: id, ...exercise }) => ({ id, ...exercise }));
  const { knowledge_area: knowledgeArea, title } = titleOfRow(row);
  return { ...row, knowledgeArea, title, exercises };
}

function valuesOf({ exercises }: Assessment): ExerciseValue[] {
  return exercises.map(({ id, title, text, difficulty }) => ({
    exercise_id: id,
    title,
    text,
    difficulty,
  }));
}
