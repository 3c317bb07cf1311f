/**
 * What an assessment has more than before goes to whoever is assigned it: all of its exercises when
 * the assignment came first (COMM-070 and COMM-020 are not ordered between them), new ones when an
 * update brings some.
 *
 * Either the assignment sees the exercises or these see the assignment: see `holdExercises`.
 */
import { enqueue, type FormalHandler, type Transaction } from 'relink';
import { links } from '../../links.ts';
import { assignExercises, type Candidate, candidateCreated } from '../domain/candidate.ts';
import { readExercisesBefore } from '../store/assessmentReplicas.ts';
import { listAssignees, lockCandidates, saveExercisesToSolve } from '../store/candidates.ts';
import { listSolved } from '../store/solutions.ts';

/** Ids of exercises by assessment. */
type Exercises = ReadonlyMap<string, readonly string[]>;

/** Applies changes of assessments, and completes what their candidates have to solve. */
export function completeAssigned(
  apply: FormalHandler['apply'],
  exercisesOf: (payload: never) => readonly string[],
): FormalHandler['apply'] {
  return async (tx, changes) => {
    const reading = readExercisesBefore(
      tx,
      changes.map(({ key }) => key),
    );
    const [before, applied] = await Promise.all([reading, apply(tx, changes)]);
    const added = changes
      .filter(({ key }) => applied.has(key))
      .map(({ key, payload }) => {
        const known = before.get(key);
        const exercises = exercisesOf(payload as never);
        return [key, exercises.filter((one) => !known?.has(one))] as const;
      })
      .filter(([, exercises]) => exercises.length > 0);
    // The usual case: nothing but titles, texts and difficulties changed.
    if (added.length > 0) await addToAssigned(tx, new Map(added));
    return applied;
  };
}

async function addToAssigned(tx: Transaction, added: Exercises): Promise<void> {
  const wanted = await listWanted(tx, added);
  if (wanted.size === 0) return;
  const candidates = await lockCandidates(tx, [...wanted.keys()]);
  // Read behind the locks: a solution is saved under that of its candidate.
  const solved = await listSolved(tx, [...wanted.keys()], [...added.values()].flat());
  const changed = candidates.flatMap((candidate): Candidate[] => {
    const done = solved.get(candidate.id);
    const left = wanted.get(candidate.id)!.filter((one) => !done?.has(one));
    const assigned = assignExercises(candidate, left);
    return assigned === candidate ? [] : [assigned];
  });
  if (changed.length === 0) return;
  await saveExercisesToSolve(tx, changed);
  await enqueue(tx, links['COMM-030'], changed.map(candidateCreated));
}

/** Ids of the added exercises by the candidate who is assigned them. */
async function listWanted(tx: Transaction, added: Exercises): Promise<Exercises> {
  const wanted = new Map<string, string[]>();
  for (const [assessmentId, candidateIds] of await listAssignees(tx, [...added.keys()]))
    for (const id of candidateIds)
      wanted.set(id, [...(wanted.get(id) ?? []), ...added.get(assessmentId)!]);
  return wanted;
}
