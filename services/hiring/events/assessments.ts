/**
 * COMM-020 and COMM-021 at hiring: keep the newest state of every assessment, whichever brings it,
 * and give its candidates the exercises that they have not heard of.
 */
import { type Change, type FormalHandler, formal, keepNewest } from 'relink';
import type { LinkEvent } from '../../links.ts';
import { storedTitle } from '../../mappings/titles.ts';
import { assessmentReplica } from '../store/assessmentReplicas.ts';
import { completeAssigned } from './assignedExercises.ts';

type Created = LinkEvent<'COMM-020'>;
type Updated = LinkEvent<'COMM-021'>;

export const putAssessments = completing<Created>(
  keepNewest<Created>(assessmentReplica, { AssessmentCreated: valuesOf }),
);

export const putChangedAssessments = completing<Updated>(
  keepNewest<Updated>(assessmentReplica, { AssessmentUpdated: valuesOf }),
);

function completing<Event extends Created | Updated>(keeping: FormalHandler<Event>) {
  return formal<Event>(keeping.events, completeAssigned(keeping.apply, exercisesOf));
}

function exercisesOf({ exercises = [] }: (Created | Updated)['payload']): readonly string[] {
  return exercises.map((one) => one.exercise_id);
}

function valuesOf(
  payload: (Created | Updated)['payload'],
  { contractVersion }: Pick<Change, 'contractVersion'>,
) {
  const { title, knowledgeArea } = storedTitle(payload, contractVersion);
  return {
    author_id: payload.author_replication_id,
    title,
    knowledge_area: knowledgeArea,
    exercises: payload.exercises ?? [],
  };
}
