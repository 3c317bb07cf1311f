import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change, Database, FormalHandler, Message } from 'relink';
import { closePostgres, connectPostgres } from 'relink/runtime';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
import { findAssessmentReplica } from '../store/assessmentReplicas.ts';
import { putAssessments, putChangedAssessments } from './assessments.ts';

const template = {
  name: 'service_hiring',
  fill: (url: string) => applyExpand(url, ['link', 'hiring']),
};
const id = '018f0000-0000-7000-8000-000000000001';
const state = {
  assessment_replication_id: id,
  author_replication_id: '018f0000-0000-7000-8000-000000000002',
  exercises: [],
  knowledge_area: 'Algebra',
};
const created: Message = {
  event: 'AssessmentCreated',
  version: 1n,
  payload: { ...state, title: 'Groups', created_at: '2026-01-01T00:00:00Z' },
};
const updated: Message = {
  event: 'AssessmentUpdated',
  version: 2n,
  payload: { ...state, title: 'Rings', updated_at: '2026-01-01T00:00:01Z' },
};

test('an update that overtakes its creation leaves the newest version', async (t) => {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test' });
  t.after(() => closePostgres(sql));
  assert.deepEqual([...(await put(sql, putChangedAssessments, updated, 0))], [id]);
  assert.deepEqual([...(await put(sql, putAssessments, created, 0))], [], 'it is superseded');
  const replica = await findAssessmentReplica(sql, id);
  assert.deepEqual([replica?.version, replica?.title], [2n, '[Algebra] Rings']);
});

test('a title is stored as the contract version that brought it has it', async (t) => {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test' });
  t.after(() => closePostgres(sql));
  const storedAfter = async (message: Message, contractVersion: number) => {
    await put(sql, putChangedAssessments, message, contractVersion);
    const replica = await findAssessmentReplica(sql, id);
    return [replica?.knowledgeArea, replica?.title];
  };
  assert.deepEqual(await storedAfter(updated, 1), ['Algebra', 'Rings']);
  assert.deepEqual(await storedAfter({ ...updated, version: 3n }, 0), [null, '[Algebra] Rings']);
  assert.deepEqual(await storedAfter({ ...updated, version: 4n }, 1), ['Algebra', 'Rings']);
});

function put(
  sql: Database,
  { apply }: FormalHandler,
  message: Message,
  contractVersion: number,
): Promise<ReadonlySet<string>> {
  const change: Change = { ...message, key: id, contractVersion, older: {} };
  return sql.begin((tx) => apply(tx, [change]));
}
