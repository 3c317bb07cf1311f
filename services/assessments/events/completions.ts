/** COMM-050 at assessments: an exercise that too many have solved becomes harder by one. */
import { functional } from '../../../link/inbox/handler.ts';
import { enqueue } from '../../../link/outbox/enqueue.ts';
import { links } from '../../links.ts';
import { assessmentUpdated, raiseDifficulty } from '../domain/assessment.ts';
import { lockAssessmentOf, saveAssessment } from '../store/assessments.ts';

export const raiseDifficulties = functional(async (tx, { payload }) => {
  const exerciseId = String(payload.exercise_id);
  const assessment = await lockAssessmentOf(tx, exerciseId);
  if (!assessment) return; // its author removed the exercise meanwhile: nothing can be harder
  const harder = raiseDifficulty(assessment, exerciseId, new Date());
  const basis = { version: assessment.version };
  if (harder === assessment) return basis;
  await saveAssessment(tx, harder);
  await enqueue(tx, links['COMM-021']!, [assessmentUpdated(harder)]);
  return basis;
});
