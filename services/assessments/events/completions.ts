/** COMM-050 at assessments: an exercise that too many have solved becomes harder by one. */
import { enqueue, functional } from 'relink';
import type { LinkEvent, links } from '../../links.ts';
import { assessmentUpdated, raiseDifficulty } from '../domain/assessment.ts';
import { lockAssessmentOf, saveAssessment } from '../store/assessments.ts';

/** `map`: the links as this build has them. */
export function raiseDifficulties(map: typeof links) {
  return functional<LinkEvent<'COMM-050'>>({
    ExerciseCompletedMoreThenTenTimes: async (tx, { payload }) => {
      const exerciseId = payload.exercise_id;
      const assessment = await lockAssessmentOf(tx, exerciseId);
      if (!assessment) return; // its author has removed the exercise: there is nothing to make harder
      const harder = raiseDifficulty(assessment, exerciseId, new Date());
      const basis = { version: assessment.version };
      if (harder === assessment) return basis;
      await saveAssessment(tx, map, harder);
      await enqueue(tx, map['COMM-021'], [assessmentUpdated(harder)]);
      return basis;
    },
  });
}
