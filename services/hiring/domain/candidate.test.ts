import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  assignExercises,
  candidateCreated,
  MAX_EXERCISES_TO_SOLVE,
  registerCandidate,
  solveExercise,
} from './candidate.ts';

const ids = fc.array(fc.uuid(), { maxLength: 20 });

test('assigned exercises are to solve once each, until they are solved', () => {
  fc.assert(
    fc.property(ids, ids, (first, second) => {
      let candidate = registerCandidate('c', 'Ada', new Date());
      for (const list of [first, second, first])
        candidate = assignExercises(candidate, [...new Set(list)]);
      const assigned = new Set([...first, ...second]);
      assert.deepEqual([...candidate.exercisesToSolve].sort(), [...assigned].sort());
      for (const id of assigned) candidate = solveExercise(candidate, id);
      assert.deepEqual(candidate.exercisesToSolve, []);
    }),
  );
});

test('a change that changes nothing makes no new version', () => {
  const candidate = assignExercises(registerCandidate('c', 'Ada', new Date()), ['x']);
  assert.equal(candidate.version, 2n);
  assert.equal(assignExercises(candidate, ['x']), candidate);
  assert.equal(solveExercise(candidate, 'y'), candidate);
});

test('a candidate never has more exercises than an event may carry', () => {
  const many = Array.from({ length: MAX_EXERCISES_TO_SOLVE + 5 }, (_, i) => String(i));
  const candidate = assignExercises(registerCandidate('c', 'Ada', new Date()), many);
  assert.equal(candidate.exercisesToSolve.length, MAX_EXERCISES_TO_SOLVE);
  const { exercises_to_solve: sent } = candidateCreated(candidate).payload;
  assert.equal(sent?.length, MAX_EXERCISES_TO_SOLVE);
});
