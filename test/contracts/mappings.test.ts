import { after } from 'node:test';
import fc from 'fast-check';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { mappings } from '../../services/mappings/index.ts';
import { splitTitle } from '../../services/mappings/titles.ts';
import { testDatabase } from '../harness/postgres.ts';
import { describeMapping } from './mappingSuite.ts';
import { oddTitles } from './oddTitles.ts';

const { url } = await testDatabase({ after });
const sql = connectPostgres(url, { name: 'mappings' });
after(() => closePostgres(sql));

const anyArea = fc.constantFrom('', 'A', 'Linear Algebra', '数'.repeat(296));
const odd = {
  oddOlder: fc.record({ title: oddTitles }),
  oddNewer: fc.oneof(
    oddTitles.map(splitTitle),
    fc.record({ knowledge_area: anyArea, title: oddTitles }),
  ),
};

for (const mapping of mappings) {
  const isOfTitles = mapping.changes.some(({ newer }) => newer.includes('knowledge_area'));
  describeMapping({ mapping, ...(isOfTitles ? odd : {}) }, sql);
}
