/** An assessment with its exercises, and the business facts about one. */
import { randomUUIDv7 } from 'node:crypto';
import type { Message } from 'relink';
import type { AssessmentCreatedV1, AssessmentUpdatedV1 } from '../../../gen/events.ts';
import { type Title, titleOf, type WrittenTitle, wholeTitleOf } from './title.ts';

export interface Exercise {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** 1 to MAX_DIFFICULTY. */
  readonly difficulty: number;
}

export interface Assessment extends Title {
  readonly id: string;
  readonly version: bigint;
  readonly authorId: string;
  readonly exercises: readonly Exercise[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** An exercise as its author writes it; with an id it is one that is there already. */
export interface ExerciseDraft {
  readonly id?: string | undefined;
  readonly title: string;
  readonly text: string;
  readonly difficulty?: number | undefined;
}

export interface AssessmentDraft extends WrittenTitle {
  readonly authorId: string;
  readonly exercises: readonly ExerciseDraft[];
}

/** A title without an area says the area too, as when creating. */
export interface AssessmentChange extends Partial<WrittenTitle> {
  /** All exercises from now on; absent: as they are. */
  readonly exercises?: readonly ExerciseDraft[] | undefined;
}

const FIRST_DIFFICULTY = 1;
/** What the contracts of the events allow. */
export const MAX_DIFFICULTY = 1_000;

export function writeAssessment(id: string, draft: AssessmentDraft, now: Date): Assessment {
  const { authorId } = draft;
  const exercises = draft.exercises.map((one) => writeExercise(one));
  const title = titleOf(draft);
  return { id, version: 1n, authorId, ...title, exercises, createdAt: now, updatedAt: now };
}

/** The title that a change writes; undefined when it writes none. */
export function changedTitle(
  assessment: Pick<Assessment, 'title'>,
  { knowledgeArea, title }: Partial<WrittenTitle>,
): WrittenTitle | undefined {
  if (knowledgeArea === undefined && title === undefined) return undefined;
  return { knowledgeArea, title: title ?? assessment.title };
}

/** The changed assessment. Exercises that a draft names must be there: see `findStrangers`. */
export function changeAssessment(
  assessment: Assessment,
  change: AssessmentChange,
  now: Date,
): Assessment {
  const { exercises } = change;
  const title = changedTitle(assessment, change);
  const known = new Map(assessment.exercises.map((one) => [one.id, one]));
  return nextVersion(assessment, now, {
    ...(title && titleOf(title)),
    exercises:
      exercises?.map((draft) => writeExercise(draft, known.get(draft.id ?? ''))) ??
      assessment.exercises,
  });
}

/** Positions of drafts whose id is not that of an exercise of the assessment, or is repeated. */
export function findStrangers(
  assessment: Pick<Assessment, 'exercises'>,
  drafts: readonly ExerciseDraft[],
): number[] {
  const free = new Set(assessment.exercises.map(({ id }) => id));
  return drafts.flatMap(({ id }, at) => (id === undefined || free.delete(id) ? [] : [at]));
}

/** The assessment with one exercise harder by one; unchanged without that exercise or at the limit. */
export function raiseDifficulty(assessment: Assessment, exerciseId: string, now: Date): Assessment {
  const isMeant = (one: Exercise) => one.id === exerciseId && one.difficulty < MAX_DIFFICULTY;
  if (!assessment.exercises.some(isMeant)) return assessment;
  return nextVersion(assessment, now, {
    exercises: assessment.exercises.map((one) =>
      isMeant(one) ? { ...one, difficulty: one.difficulty + 1 } : one,
    ),
  });
}

/** Whether creating again with this id means the same assessment. */
export function isSameCreation(assessment: Assessment, draft: AssessmentDraft): boolean {
  return (
    assessment.authorId === draft.authorId &&
    wholeTitleOf(assessment) === wholeTitleOf(titleOf(draft)) &&
    assessment.exercises.length === draft.exercises.length &&
    assessment.exercises.every((one, at) => {
      const { title, text, difficulty = FIRST_DIFFICULTY } = draft.exercises[at]!;
      return one.title === title && one.text === text && one.difficulty === difficulty;
    })
  );
}

function writeExercise(draft: ExerciseDraft, known?: Exercise): Exercise {
  const { title, text } = draft;
  const id = known?.id ?? randomUUIDv7();
  return { id, title, text, difficulty: draft.difficulty ?? known?.difficulty ?? FIRST_DIFFICULTY };
}

function nextVersion(assessment: Assessment, now: Date, changed: Partial<Assessment>): Assessment {
  return { ...assessment, ...changed, version: assessment.version + 1n, updatedAt: now };
}

/** COMM-020: the state after writing; a backfill sends the same for every assessment. */
export function assessmentCreated(assessment: Assessment): Message<AssessmentCreatedV1> {
  const payload = {
    ...stateOf(assessment),
    created_at: assessment.createdAt.toISOString(),
  };
  return { event: 'AssessmentCreated', version: assessment.version, payload };
}

/** COMM-021: the whole state after a change, so that it may overtake its AssessmentCreated. */
export function assessmentUpdated(assessment: Assessment): Message<AssessmentUpdatedV1> {
  const payload = {
    ...stateOf(assessment),
    updated_at: assessment.updatedAt.toISOString(),
  };
  return { event: 'AssessmentUpdated', version: assessment.version, payload };
}

function stateOf({ id, knowledgeArea, title, authorId, exercises }: Assessment) {
  return {
    assessment_replication_id: id,
    knowledge_area: knowledgeArea,
    title,
    author_replication_id: authorId,
    exercises: exercises.map((one) => ({
      exercise_id: one.id,
      title: one.title,
      text: one.text,
      difficulty: one.difficulty,
    })),
  };
}
