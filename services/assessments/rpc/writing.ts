/** Assessments: each command is one transaction, and returns the state of its deliveries. */
import { randomUUIDv7 } from 'node:crypto';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Database } from 'relink';
import { type Handlers, RpcError, readPage, unknownId } from 'relink/rpc';
import { AssessmentSchema } from '../../../gen/assessments/v1/assessment_pb.ts';
import type {
  AssessmentsService,
  ExerciseDraft as WireDraft,
} from '../../../gen/assessments/v1/assessments_service_pb.ts';
import { pageById, tokenOf } from '../../paging.ts';
import type { ServiceContext } from '../../service.ts';
import {
  type Assessment,
  type AssessmentDraft,
  assessmentCreated,
  assessmentUpdated,
  changeAssessment,
  changedTitle,
  type ExerciseDraft,
  findStrangers,
  isSameCreation,
  writeAssessment,
} from '../domain/assessment.ts';
import { findTitleProblems, type WrittenTitle, wholeTitleOf } from '../domain/title.ts';
import {
  findAssessment,
  insertAssessment,
  listAssessments,
  lockAssessment,
  saveAssessment,
} from '../store/assessments.ts';
import { findManager } from '../store/managers.ts';

export function writingMethods({
  sql,
  kit,
  links,
}: Pick<ServiceContext, 'sql' | 'kit' | 'links'>): Pick<
  Handlers<typeof AssessmentsService>,
  'createAssessment' | 'updateAssessment' | 'getAssessment' | 'listAssessments'
> {
  return {
    createAssessment: async ({ assessmentId, exercises, ...request }) => {
      const authorId = request.authorId.toLowerCase();
      const { title, knowledgeArea } = request;
      const draft = { authorId, title, knowledgeArea, exercises: draftsOf(exercises) };
      refuseTitle(draft);
      refuseStrangers([], draft.exercises);
      const id = assessmentId?.toLowerCase() ?? randomUUIDv7();
      const assessment = writeAssessment(id, draft, new Date());
      const messages = await sql.begin(async (tx) => {
        if (!(await insertAssessment(tx, links, assessment))) return undefined;
        return kit.enqueue(tx, 'COMM-020', [assessmentCreated(assessment)]);
      });
      if (!messages) return { assessment: toWire(await requireSame(sql, id, draft)) };
      return { assessment: toWire(assessment), deliveries: await kit.deliver(messages) };
    },
    updateAssessment: async ({ assessmentId, title, knowledgeArea, exercises }) => {
      const drafts = exercises.length > 0 ? draftsOf(exercises) : undefined;
      const change = { title, knowledgeArea, exercises: drafts };
      const { changed, messages } = await sql.begin(async (tx) => {
        const assessment = await lockAssessment(tx, assessmentId);
        if (!assessment) throw unknownId('assessment_id', 'assessment');
        refuseTitle(changedTitle(assessment, change));
        refuseStrangers(assessment.exercises, drafts ?? []);
        const changed = changeAssessment(assessment, change, new Date());
        await saveAssessment(tx, links, changed);
        return {
          changed,
          messages: await kit.enqueue(tx, 'COMM-021', [assessmentUpdated(changed)]),
        };
      });
      return { assessment: toWire(changed), deliveries: await kit.deliver(messages) };
    },
    getAssessment: async ({ assessmentId }) => {
      const assessment = await findAssessment(sql, assessmentId);
      if (!assessment) throw unknownId('assessment_id', 'assessment');
      return { assessment: toWire(assessment) };
    },
    listAssessments: async (request) => {
      const { entries, next } = await readPage({
        ...pageById(request),
        read: (page) => listAssessments(sql, page),
        keyOf: ({ id }) => id,
        entry: AssessmentSchema,
        toWire,
      });
      return { assessments: entries, nextPageToken: tokenOf(next) };
    },
  };
}

function draftsOf(exercises: readonly WireDraft[]): ExerciseDraft[] {
  return exercises.map(({ exerciseId, title, text, difficulty }) => ({
    id: exerciseId?.toLowerCase(),
    title,
    text,
    difficulty,
  }));
}

function refuseTitle(title: WrittenTitle | undefined): void {
  const fields = title ? findTitleProblems(title) : [];
  if (fields.length === 0) return;
  const what = 'title and knowledge_area do not fit together';
  throw new RpcError('INVALID_ARGUMENT', 'FIELDS_INVALID', what, { fields });
}

function refuseStrangers(
  exercises: Assessment['exercises'],
  drafts: readonly ExerciseDraft[],
): void {
  const strangers = findStrangers({ exercises }, drafts);
  if (strangers.length === 0) return;
  const fields = strangers.map((at) => ({
    field: `exercises[${at}].exercise_id`,
    description: 'names no exercise of this assessment, or one that is named before',
  }));
  const what = 'exercises are named that this assessment does not have';
  throw new RpcError('INVALID_ARGUMENT', 'FIELDS_INVALID', what, { fields });
}

/** A repeated creation returns what the first one made, if it is for the same assessment. */
async function requireSame(sql: Database, id: string, draft: AssessmentDraft): Promise<Assessment> {
  const assessment = await findAssessment(sql, id);
  if (!assessment && !(await findManager(sql, draft.authorId)))
    throw unknownId('author_id', 'manager');
  if (assessment && (assessment.version > 1n || isSameCreation(assessment, draft)))
    return assessment;
  const what = 'this assessment_id is taken by an assessment with other fields';
  throw new RpcError('ALREADY_EXISTS', 'ID_TAKEN', what);
}

function toWire(assessment: Assessment) {
  const { id, authorId, title, knowledgeArea, exercises, version, createdAt, updatedAt } =
    assessment;
  return {
    assessmentId: id,
    authorId,
    title: wholeTitleOf(assessment),
    knowledgeArea,
    titleWithoutArea: title,
    exercises: exercises.map((one) => ({
      exerciseId: one.id,
      title: one.title,
      text: one.text,
      difficulty: one.difficulty,
    })),
    version,
    createdAt: timestampFromDate(createdAt),
    updatedAt: timestampFromDate(updatedAt),
  };
}
