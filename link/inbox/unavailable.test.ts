/** What passes by itself at the database is no message's fault. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { Receiver } from './receiver.ts';
import { solutionCompleted, solutionHandler } from './solutions.fixture.ts';

const link = links['COMM-040'];
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'unavailable' });
after(() => closePostgres(sql));

/** Receives two messages whose handler fails with the SQLSTATE; attempts that were counted. */
async function countedAfter(code: string): Promise<number> {
  await sql`truncate relink.attempts`;
  const handler = solutionHandler(async (tx) => {
    await tx.unsafe(`do $$ begin raise exception using errcode = '${code}'; end $$`);
  });
  const receiver = new Receiver({ sql, link, log: silentLog, handler });
  const receipts = await receiver.receive([solutionCompleted(), solutionCompleted()]);
  assert.deepEqual([...new Set(receipts.map(({ outcome }) => outcome))], ['retry']);
  return (await sql`select from relink.attempts`).length;
}

for (const code of ['25006', '53100', '53300', '55P03', '57014', '58030', '40001', '40P01'])
  test(`${code} is tried again without counting an attempt`, async () => {
    assert.equal(await countedAfter(code), 0);
  });

test('an error of the statement counts', async () => {
  assert.equal(await countedAfter('22012'), 2);
});
