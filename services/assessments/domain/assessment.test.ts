import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assessmentUpdated,
  changeAssessment,
  findStrangers,
  isSameCreation,
  MAX_DIFFICULTY,
  raiseDifficulty,
  writeAssessment,
} from './assessment.ts';

const now = new Date('2026-01-02T03:04:05Z');
const draft = {
  authorId: 'a',
  title: '[Algebra] Groups',
  exercises: [
    { title: 'S4/V4', text: 'Find the order.' },
    { title: 'A5', text: 'Is it simple?', difficulty: 7 },
  ],
};

test('an exercise that is kept keeps its id and difficulty, others come and go', () => {
  const written = writeAssessment('x', draft, now);
  const [first, second] = written.exercises;
  const changed = changeAssessment(
    written,
    {
      exercises: [
        { id: second!.id, title: 'A5', text: 'Prove that it is simple.' },
        { title: 'New', text: '' },
      ],
    },
    now,
  );
  assert.equal(changed.version, 2n);
  assert.deepEqual([changed.knowledgeArea, changed.title], ['Algebra', 'Groups']);
  assert.deepEqual(changed.exercises[0], { ...second!, text: 'Prove that it is simple.' });
  assert.equal(changed.exercises[1]!.difficulty, 1);
  assert.ok(!changed.exercises.some(({ id }) => id === first!.id));
});

test('a title alone says its area too; an area alone leaves the title as it is', () => {
  const written = writeAssessment('x', draft, now);
  const titleAfter = (change: Parameters<typeof changeAssessment>[1]) => {
    const { knowledgeArea, title } = changeAssessment(written, change, now);
    return [knowledgeArea, title];
  };
  assert.deepEqual(titleAfter({}), ['Algebra', 'Groups']);
  assert.deepEqual(titleAfter({ title: '[Logic] Sets' }), ['Logic', 'Sets']);
  assert.deepEqual(titleAfter({ title: 'Sets' }), ['', 'Sets']);
  assert.deepEqual(titleAfter({ knowledgeArea: 'Logic' }), ['Logic', 'Groups']);
  assert.deepEqual(titleAfter({ knowledgeArea: '' }), ['', 'Groups']);
  assert.deepEqual(titleAfter({ knowledgeArea: 'Logic', title: 'Sets' }), ['Logic', 'Sets']);
  assert.deepEqual(titleAfter({ knowledgeArea: '', title: '[Logic] Sets' }), ['Logic', 'Sets']);
});

test('a draft that names a foreign exercise, or one twice, is found', () => {
  const written = writeAssessment('x', draft, now);
  const id = written.exercises[0]!.id;
  const named = (one: string | undefined) => ({ id: one, title: 't', text: '' });
  assert.deepEqual(findStrangers(written, [named(id), named(undefined)]), []);
  assert.deepEqual(findStrangers(written, [named('other'), named(id), named(id)]), [0, 2]);
});

test('an exercise becomes harder by one, as long as it can', () => {
  const written = writeAssessment('x', draft, now);
  const id = written.exercises[1]!.id;
  const harder = raiseDifficulty(written, id, now);
  assert.deepEqual(
    harder.exercises.map(({ difficulty }) => difficulty),
    [1, 8],
  );
  assert.equal(harder.version, 2n);
  assert.equal(raiseDifficulty(written, 'gone', now), written);
  const hardest = {
    ...written,
    exercises: [{ ...written.exercises[1]!, difficulty: MAX_DIFFICULTY }],
  };
  assert.equal(raiseDifficulty(hardest, id, now), hardest);
});

test('a repeated creation is known by its fields, an omitted difficulty being 1', () => {
  const written = writeAssessment('x', draft, now);
  const [first, second] = draft.exercises as [object, object];
  assert.ok(isSameCreation(written, draft));
  const explicit = { ...draft, exercises: [{ ...first, difficulty: 1 }, second] as never };
  assert.ok(isSameCreation(written, explicit));
  assert.ok(!isSameCreation(written, { ...draft, exercises: draft.exercises.toReversed() }));
  assert.ok(!isSameCreation(written, { ...draft, authorId: 'b' }));
  assert.ok(isSameCreation(written, { ...draft, knowledgeArea: 'Algebra', title: 'Groups' }));
  assert.ok(!isSameCreation(written, { ...draft, title: 'Groups' }));
});

test('an update says the whole state, so that it may overtake its creation', () => {
  const { payload, version } = assessmentUpdated(writeAssessment('x', draft, now));
  assert.equal(version, 1n);
  assert.deepEqual(Object.keys(payload).sort(), [
    'assessment_replication_id',
    'author_replication_id',
    'exercises',
    'knowledge_area',
    'title',
    'updated_at',
  ]);
});
