/** Lists whose rows are large, over a real database. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { test } from 'node:test';
import { createRpcClient, createRpcServer, serve } from 'relink/rpc';
import { closePostgres, connectPostgres } from 'relink/runtime';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { AssessmentsService } from '../../../gen/assessments/v1/assessments_service_pb.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
import { links } from '../../links.ts';
import { registerManager } from '../domain/manager.ts';
import { insertAssessment } from '../store/assessments.ts';
import { insertManager } from '../store/managers.ts';
import { assessmentsHandlers } from './assessments.ts';

const template = {
  name: 'service_assessments',
  fill: (url: string) => applyExpand(url, ['link', 'assessments']),
};
const AT = { createdAt: new Date(), updatedAt: new Date(), version: 1n };

test('assessments too large for one answer come in shorter pages, each once', async (t) => {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test' });
  t.after(() => closePostgres(sql));
  const names = { firstName: 'Emmy', lastName: 'Noether' };
  const author = registerManager(randomUUIDv7(), names, new Date());
  const exercise = () => ({
    id: randomUUIDv7(),
    title: 'S4/V4',
    text: '🧨'.repeat(2_000),
    difficulty: 1,
  });
  const written = Array.from({ length: 12 }, () => ({
    id: randomUUIDv7(),
    authorId: author.id,
    knowledgeArea: 'Algebra',
    title: 'Groups',
    exercises: Array.from({ length: 50 }, exercise),
    ...AT,
  }));
  await sql.begin(async (tx) => {
    await insertManager(tx, author);
    for (const assessment of written) await insertAssessment(tx, links, assessment);
  });
  const handlers = assessmentsHandlers({ sql, links, kit: undefined as never });
  const services = [serve(AssessmentsService, handlers)];
  const server = createRpcServer({ host: '127.0.0.1', port: 0, services, stopLimitMs: 100 });
  await server.start();
  t.after(() => server.stop());
  const client = createRpcClient(AssessmentsService, server.address(), { deadlineMs: 60_000 });
  t.after(() => client.close());
  const seen: string[] = [];
  let pageToken = '';
  do {
    const page = await client.listAssessments({ pageToken });
    assert.ok(page.assessments.length > 0 && page.assessments.length < 12);
    seen.push(...page.assessments.map(({ assessmentId }) => assessmentId));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  assert.deepEqual(seen, written.map(({ id }) => id).sort());
});
