/** COMM-010 to v1 takes the names from everybody but their owner, and proves it, under the business. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { checkCertificate } from '../../migration/certificateCheck.ts';
import type { ErasureStatement } from '../../migration/erasure.ts';
import { readMessages } from '../../migration/leg/streamTexts.ts';
import { noStreams } from '../rigs/oneStep.ts';
import { ProcessCompany } from '../rigs/processes/company.ts';
import { LINK } from '../rigs/processes/desk.ts';

/** The business registers managers of this name, and no candidate has it. */
const NAMED = /noether/i;
const CANDIDATES_SIDE = ['hiring', 'bonuses', 'management', 'finance'];

describe('a version that takes fields away', { timeout: 900_000 }, () => {
  let company: ProcessCompany;
  before(async () => {
    company = await ProcessCompany.start();
    await company.startBusiness();
  });
  after(() => company?.stop());

  it('leaves none of them behind, and is signed only when nothing is found', async () => {
    const desk = await company.desk();
    const engine = desk.engine();
    const { assessmentId } = await nameManagerEverywhere(company);
    const purge = await nameManagerInAudit(company);
    // Copies fill the stream with names first.
    const id = await desk.start({ to: 'async,v1', settings: { patience_seconds: '12' } });
    await desk.reached(id, 'waiting');
    await desk.order(id, 'complete', LINK);
    const { run } = await desk.reached(id, 'paused');
    assert.match(run.problem, /assessment_replicas\.title: 1;/);
    assert.match(run.problem, /stream AUDIT: 1; clean them, then relink resume/);
    await purge();
    assert.deepEqual(await erasuresOf(desk, id), []);
    await company.clients.assessments.updateAssessment({ assessmentId, title: '[Algebra] Rings' });
    await company.assertNothingLost('COMM-021');
    await desk.order(id, 'resume');
    await desk.reached(id, 'completed');
    await engine.stop();
    const [erasure, ...others] = await erasuresOf(desk, id);
    assert.deepEqual(others, []);
    assert.deepEqual(erasure!.fields, ['first_name', 'last_name']);
    for (const place of ['stream COMM-010', 'stream AUDIT'])
      assert.ok(
        erasure!.searched.some((one) => one.place === place),
        place,
      );
    await company.assertNothingLost(LINK);
    for (const service of CANDIDATES_SIDE) assert.deepEqual(await findIn(company, service), []);
    assert.deepEqual(await findInStreams(company), []);
  });
});

/** In a stream that is no link's: relink finds it, and leaves it to its owner. */
async function nameManagerInAudit(company: ProcessCompany): Promise<() => Promise<unknown>> {
  const manager = await jetstreamManager(company.nats.connection);
  await manager.streams.add({ name: 'AUDIT', subjects: ['audit'] });
  await manager.jetstream().publish('audit', 'assigned by Emmy Noether');
  return () => manager.streams.purge('AUDIT');
}

/** Where people and old messages name a manager: free text, a title, and a dead letter of before. */
async function nameManagerEverywhere(company: ProcessCompany) {
  const { assessments, management, hiring } = company.clients;
  const names = { firstName: 'Emmy', lastName: 'Noether' };
  const { manager } = await assessments.registerManager(names);
  const { assessment } = await assessments.createAssessment({
    authorId: manager!.managerId,
    title: '[Algebra] The theorem of Emmy NOETHER',
    exercises: [{ title: 'S4/V4', text: '' }],
  });
  const { candidate } = await hiring.registerCandidate({ name: 'Ada Lovelace' });
  const { assessmentId } = assessment!;
  const { candidateId } = candidate!;
  await company.assertNothingLost('COMM-020');
  await company.assertNothingLost('COMM-030');
  const assignedBy = 'asked for by Noether,  Emmy';
  await management.assignAssessment({ assessmentId, candidateId, assignedBy });
  await company.assertNothingLost('COMM-070');
  const body = JSON.stringify({
    event_id: randomUUID(),
    event_name: 'ManagerCreated',
    event_version: 0,
    payload: {
      created_at: '2026-01-01T00:00:00Z',
      ...{ first_name: 'Emmy', last_name: 'Noether', manager_replication_id: manager!.managerId },
    },
    produced_at: '2026-01-01T00:00:00Z',
  });
  await company.database('hiring')`
    insert into relink.dead_letters (id, event_id, link, lane, epoch, event, event_version,
      key, version, reason, detail, attempts, state, body, headers)
    values (${randomUUID()}, ${randomUUID()}, ${LINK}, 0, 1, 'ManagerCreated', 0,
      ${manager!.managerId}, 1, 'HANDLER_FAILED', 'about Emmy Noether', 1, 'discarded', ${body}, '{}')`;
  // Bookings never change, but for the name of who accepted a solution.
  await company.database('bonuses')`
    insert into bookings (id, kind, solution_id, assessment_id, manager_id, amount_minor, rating,
      rating_version, accepted_by, booked_at)
    values (${randomUUID()}, 'credit', ${randomUUID()}, ${assessmentId}, ${manager!.managerId}, 0, 50, 0,
      'Emmy Noether', now())`;
  return { assessmentId };
}

async function erasuresOf(
  desk: Awaited<ReturnType<ProcessCompany['desk']>>,
  run: string,
): Promise<ErasureStatement[]> {
  const all = await desk.certificates.list({ run, limit: 1_000 });
  const signed = all.filter(({ kind }) => kind === 'erasure');
  return signed.map((one) => {
    const checked = checkCertificate(JSON.stringify({ ...one, public_key: one.publicKey }));
    assert.ok(checked.isValid && checked.kind === 'erasure');
    return checked.statement as ErasureStatement;
  });
}

/** Tables of a service's database with a row that names one; read by other means than the product. */
async function findIn(company: ProcessCompany, service: string): Promise<string[]> {
  const sql = company.database(service);
  const tables = await sql<{ schema: string; name: string }[]>`
    select schemaname as schema, tablename as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`;
  const found: string[] = [];
  for (const { schema, name } of tables) {
    const rows = await sql<{ text: string }[]>`
      select t::text as text from ${sql(schema)}.${sql(name)} t`;
    if (rows.some(({ text }) => NAMED.test(text))) found.push(`${service}: ${schema}.${name}`);
  }
  return found;
}

async function findInStreams({ nats }: ProcessCompany): Promise<string[]> {
  const manager = await jetstreamManager(nats.connection);
  const reading = {
    streams: { ...noStreams, manager: async () => manager },
    observe: async () => {},
  };
  const found: string[] = [];
  for await (const { config } of manager.streams.list())
    for await (const { seq, text } of readMessages(reading, config.name, 'read'))
      if (NAMED.test(text)) found.push(`${config.name} ${seq}`);
  return found;
}
