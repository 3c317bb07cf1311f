/** COMM-020 and COMM-021 at hiring: keep the newest state of every assessment, whichever brings it. */
import { type Change, keepNewest } from 'relink';
import type { LinkEvent } from '../../links.ts';
import { storedTitle } from '../../mappings/titles.ts';
import { assessmentReplica } from '../store/assessmentReplicas.ts';

type Created = LinkEvent<'COMM-020'>;
type Updated = LinkEvent<'COMM-021'>;

export const putAssessments = keepNewest<Created>(assessmentReplica, {
  AssessmentCreated: valuesOf,
});

export const putChangedAssessments = keepNewest<Updated>(assessmentReplica, {
  AssessmentUpdated: valuesOf,
});

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
