import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { oddTitles } from '../../test/contracts/oddTitles.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import {
  assessmentCreated,
  isTitleShortEnough,
  joinTitle,
  joinTitleSql,
  normalizeTitle,
  normalizeTitleSql,
  splitTitle,
} from './titles.ts';

const { url } = await testDatabase({ after });
const sql = connectPostgres(url, { name: 'titles' });
after(() => closePostgres(sql));

describe('a title', () => {
  test('is split where one pair of brackets, one space and a rest begin it', () => {
    const split = (title: string) => Object.values(splitTitle(title));
    assert.deepEqual(split('[Algebra] Groups'), ['Algebra', 'Groups']);
    assert.deepEqual(split('[Linear Algebra] Dual spaces '), ['Linear Algebra', 'Dual spaces ']);
    assert.deepEqual(split('[A] [B] x'), ['A', '[B] x']);
    assert.deepEqual(split('[A] ] x'), ['A', '] x']);
    assert.deepEqual(split('[A] x\u2028y'), ['A', 'x\u2028y']);
    assert.deepEqual(split('[数学] 👩‍🎓'), ['数学', '👩‍🎓']);
  });

  test('stays whole where it is of any other form', () => {
    const whole = [
      'Groups',
      '[Algebra]',
      '[Algebra] ',
      '[] x',
      '[ ] x',
      ' [A] x',
      '[A]x',
      '[A]  x',
    ];
    const nested = ['[A [B]] x', '[[A]] x', '[A]] x', '[ A] x', '[A ] x', '[A', 'A] x', 'x [A] y'];
    for (const title of [...whole, ...nested])
      assert.deepEqual(splitTitle(title), { knowledge_area: '', title });
  });

  test('is the same after it is split and joined', () => {
    fc.assert(fc.property(oddTitles, (title) => joinTitle(splitTitle(title)) === title));
  });

  test('is brought into the canonical form without a change to the joined one', () => {
    const whole = { knowledge_area: '', title: '[A] x' };
    assert.deepEqual(normalizeTitle(whole), { knowledge_area: 'A', title: 'x' });
    const odd = fc.record({
      knowledge_area: fc.oneof(fc.constant(''), oddTitles),
      title: oddTitles,
    });
    fc.assert(
      fc.property(odd, (written) => {
        const once = normalizeTitle(written);
        assert.equal(joinTitle(once), joinTitle(written));
        assert.deepEqual(normalizeTitle(once), once);
      }),
    );
  });

  test('may have 300 code points in all', () => {
    const rest = (length: number) => ({ knowledge_area: '数学', title: '𝔘'.repeat(length) });
    assert.equal(isTitleShortEnough(rest(295)), true);
    assert.equal(isTitleShortEnough(rest(296)), false);
  });

  test('that would come back as another is a problem of the new event', () => {
    const problems = (knowledge_area: string, title: string) =>
      assessmentCreated.findProblems({
        assessment_replication_id: '',
        author_replication_id: '',
        created_at: '',
        knowledge_area,
        title,
      });
    assert.deepEqual(problems('A', 'x'), []);
    assert.equal(problems('', '[A] x').length, 2);
    assert.equal(problems('A', ' x').length, 2);
    assert.match(problems('A', 'x'.repeat(297))[0]!.message, /title.*more than 300 characters/);
  });

  test('is joined and normalized in PostgreSQL as here, and without an area it is whole', async () => {
    const columns = { knowledge_area: 'area', title: 'title' };
    const { knowledge_area, title } = normalizeTitleSql(columns);
    const read = async (pairs: readonly (readonly [string | null, string])[]) => {
      const rows = await sql.unsafe(
        `select ${joinTitleSql(columns)} as joined, ${knowledge_area} as area, ${title} as title
          from unnest($1::text[], $2::text[]) as pairs(area, title)`,
        [pairs.map(([area]) => area), pairs.map(([, title]) => title)] as never,
      );
      return rows.map((row) => [row.joined, row.area, row.title]);
    };
    assert.deepEqual(await read([[null, '[A] x']]), [['[A] x', 'A', 'x']]);
    const pairs = fc.sample(fc.tuple(fc.oneof(fc.constant(''), oddTitles), oddTitles), 500);
    const expected = pairs.map(([knowledge_area, title]) => [
      joinTitle({ knowledge_area, title }),
      ...Object.values(normalizeTitle({ knowledge_area, title })),
    ]);
    assert.deepEqual(await read(pairs), expected);
  });
});
