import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { oddTitles } from '../../../test/contracts/oddTitles.ts';
import { findTitleProblems, titleOf, wholeTitleOf } from './title.ts';

const fieldsOf = (knowledgeArea: string | undefined, title: string) =>
  findTitleProblems({ knowledgeArea, title }).map(({ field }) => field);

test('a title of the old form is taken as it is, however odd', () => {
  fc.assert(
    fc.property(oddTitles, (title) => {
      assert.deepEqual(fieldsOf(undefined, title), []);
      assert.equal(wholeTitleOf(titleOf({ title })), title);
    }),
  );
});

test('an area and a title without problems are kept as they were given', () => {
  const areas = fc.constantFrom('A', 'Linear Algebra', '数'.repeat(296));
  fc.assert(
    fc.property(areas, oddTitles, (knowledgeArea, title) => {
      fc.pre(fieldsOf(knowledgeArea, title).length === 0);
      assert.deepEqual(titleOf({ knowledgeArea, title }), { knowledgeArea, title });
    }),
  );
});

test('area and title that do not fit together are refused, and each field is named', () => {
  assert.deepEqual(fieldsOf('数学', '𝔘'.repeat(295)), []);
  assert.deepEqual(fieldsOf('数学', '𝔘'.repeat(296)), ['knowledge_area', 'title']);
  assert.deepEqual(fieldsOf('Algebra', ' Groups'), ['title']);
  assert.deepEqual(
    fieldsOf('Algebra', '[Algebra] Groups'),
    ['title'],
    'what an answer has in title',
  );
  assert.deepEqual(fieldsOf('Algebra', '[Logic] Groups'), []);
  assert.deepEqual(fieldsOf('', '[Algebra] Groups'), []);
});
