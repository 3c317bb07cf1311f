/** Messages in a contract version whose form of a row a completed migration has removed. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, test } from 'node:test';
import { applyContract, applyExpand, schemaOf } from '../../db/schemaChanges.ts';
import type { Arrival } from '../../link/inbox/delivery.ts';
import type { FormalHandler } from '../../link/inbox/handler.ts';
import { HeldForms } from '../../link/inbox/heldForms.ts';
import { Receiver } from '../../link/inbox/receiver.ts';
import { oldestHeld } from '../../link/participant/removed.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { pause } from '../../runtime/wake.ts';
import { putAssessments } from '../../services/hiring/events/assessments.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../harness/postgres.ts';

const link = links['COMM-020'];
const AT = '2026-01-01T00:00:00Z';
const fill = (url: string) => applyExpand(url, ['link', 'hiring']);
const { url } = await testDatabase({ after }, { name: 'service_hiring', fill });
const sql = connectPostgres(url, { name: 'removed form' });
after(() => closePostgres(sql));

function createdInVersion0(title: string): Arrival {
  const [eventId, key] = [randomUUIDv7(), randomUUIDv7()];
  const event = 'AssessmentCreated';
  const payload = {
    assessment_replication_id: key,
    author_replication_id: randomUUIDv7(),
    title,
    exercises: [],
    created_at: AT,
  };
  const names = { event_id: eventId, event_version: 0, event_name: event };
  return {
    ...{ link: link.id, eventId, event, eventVersion: 0, key, version: 1n, epoch: 1n },
    ...{ source: '', isShadow: false, isCopied: false, traceparent: undefined },
    text: JSON.stringify({ ...names, produced_at: AT, payload }),
  };
}

async function storedOf({ key }: Arrival) {
  const [row] = await sql<{ knowledgeArea: string | null; title: string }[]>`
    select knowledge_area as "knowledgeArea", title from assessment_replicas where id = ${key}`;
  return row && { ...row };
}

/** What becomes of them in the end: this process first has to learn what another one removed. */
async function outcomesOf(receiver: Receiver, arrivals: readonly Arrival[]) {
  for (;;) {
    const receipts = await receiver.receive(arrivals);
    if (receipts.every(({ outcome }) => outcome !== 'retry'))
      return receipts.map(({ outcome }) => outcome);
    // As whoever brings them does: sooner, the attempts would be used up before it has looked.
    await pause(Math.max(...receipts.map(({ retryAfterMs = 0 }) => retryAfterMs)));
  }
}

test('a row that comes in a removed form is stored in the oldest that is left', async () => {
  const schema = schemaOf(url, sql, ['link', 'hiring']);
  const removals = { 1: ['requireKnowledgeArea'] };
  const held = new HeldForms(() => oldestHeld(schema, removals), 1);
  const handler = held.wrap(putAssessments as FormalHandler) as typeof putAssessments;
  const receiver = new Receiver({ sql, link, log: silentLog, handler });
  const before = createdInVersion0('[Algebra] Groups');
  const [first] = await receiver.receive([before]);
  assert.equal(first!.outcome, 'applied', first!.detail);
  assert.deepEqual(await storedOf(before), { knowledgeArea: null, title: '[Algebra] Groups' });
  await sql`truncate assessment_replicas`;
  await applyContract(sql, 'hiring', 'requireKnowledgeArea');

  const two = [createdInVersion0('[Algebra] Rings'), createdInVersion0('Fields')];
  assert.deepEqual(await outcomesOf(receiver, two), ['applied', 'applied']);
  assert.deepEqual(await storedOf(two[0]!), { knowledgeArea: 'Algebra', title: 'Rings' });
  assert.deepEqual(await storedOf(two[1]!), { knowledgeArea: '', title: 'Fields' });
  const next = createdInVersion0('[A] b');
  assert.equal((await receiver.receive([next]))[0]!.outcome, 'applied');
});
