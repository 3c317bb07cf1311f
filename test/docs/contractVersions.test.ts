/** docs/contract-versions.md names the company's mappings as they are; its examples are run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mappings } from '../../services/mappings/index.ts';
import { joinTitle, splitTitle } from '../../services/mappings/titles.ts';
import { codeIn, tableUnder } from './pages.ts';

const PAGE = 'docs/contract-versions.md';

test('every mapping is there with its loss, what it asks for and what it drops', () => {
  const shown = tableUnder(PAGE, 'The mappings of the company').map(
    ([event, step, loss, complement, drops]) => {
      return [...codeIn(event!), step, loss, codeIn(complement!), codeIn(drops!)];
    },
  );
  const expected = mappings.map(({ older, newer, loss, complement, drops }) => {
    return [older.event, `v${older.version} → v${newer.version}`, loss, complement, drops];
  });
  assert.deepEqual(shown.sort(), expected.sort());
});

test('titles are split and joined as in the examples', () => {
  for (const [older, area, rest] of tableUnder(PAGE, 'Titles')) {
    const [title] = codeIn(older!);
    const split = { knowledge_area: codeIn(area!)[0] ?? '', title: codeIn(rest!)[0]! };
    assert.deepEqual(splitTitle(title!), split);
    assert.equal(joinTitle(split), title);
  }
});
