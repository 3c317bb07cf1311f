/** Producers elsewhere publish flat events to a link's stream, as they were first described. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { silentLog } from '../../../runtime/log.ts';
import { connectNats } from '../../../runtime/nats.ts';
import { closePostgres, connectPostgres } from '../../../runtime/postgres.ts';
import { type LinkEvent, links } from '../../../services/links.ts';
import { putCandidates } from '../../../services/management/events/candidates.ts';
import { testNats } from '../../../test/harness/nats.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
import { until } from '../../../test/harness/until.ts';
import { raiseFence } from '../../inbox/fence.ts';
import { type BusinessEvent, functional, type Handler } from '../../inbox/handler.ts';
import { Receiver } from '../../inbox/receiver.ts';
import { redrive } from '../../inbox/redrive.ts';
import { ALL_LANES, type LinkDefinition } from '../../link.ts';
import { HEADER } from '../../wire/headers.ts';
import { ensureConsumer, ensureStream } from './provision.ts';
import { StreamConsumer } from './receive.ts';

const template = {
  name: 'service_management',
  fill: (url: string) => applyExpand(url, ['link', 'management']),
};
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'flat' });
after(() => closePostgres(sql));
const server = await testNats({ after });
const { connection, close } = await connectNats(server.url, { name: 'flat', log: silentLog });
after(close);

const handled: BusinessEvent[] = [];
const completions = functional<LinkEvent<'COMM-050'>>({
  ExerciseCompletedMoreThenTenTimes: async (_tx, event) => void handled.push(event),
});
const assignments = functional<LinkEvent<'COMM-070'>>({
  AssessmentAssigned: async () => assert.fail('it was handled'),
});

/** Listens to the link as the service does. */
async function listen(link: LinkDefinition, service: string, handler: Handler): Promise<void> {
  const manager = await jetstreamManager(connection);
  await ensureStream(manager, link.id);
  await ensureConsumer(manager, link.id, service);
  const receiver = new Receiver({ sql, link, handler, log: silentLog });
  const options = { nats: connection, log: silentLog, link, service, receiver };
  const consumer = new StreamConsumer(options);
  consumer.start();
  after(() => consumer.stop());
}
await listen(links['COMM-030'], 'management', putCandidates);
await listen(links['COMM-050'], 'assessments', completions);
await listen(links['COMM-070'], 'hiring', assignments);

/** Publishes as somebody who knows the subject, and whatever headers are given. */
async function publish(subject: string, body: object, given: Record<string, string>) {
  const headers = natsHeaders();
  for (const [name, value] of Object.entries(given)) headers.set(name, value);
  await jetstream(connection).publish(subject, JSON.stringify(body), { headers });
}

const COMPLETED = 'COMM-050.03.v0.ExerciseCompletedMoreThenTenTimes';
const CREATED = 'COMM-030.03.v0.CandidateCreated';

const flatCompletion = () => ({
  exercise_id: randomUUIDv7(),
  title: 'S4/V4',
  author_id: randomUUIDv7(),
  candidate_id: randomUUIDv7(),
});
const flatCandidate = () => ({
  candidate_id: randomUUIDv7(),
  candidate_name: 'Emmy Noether',
  created_at: '2026-11-27T08:00:00Z',
  status: 'teacher',
  exercises_to_solve: [{ exercise_id: randomUUIDv7() }],
});

const handledOf = ({ exercise_id }: { exercise_id: string }) =>
  handled.filter(({ key }) => key === exercise_id);

async function inboxOf(eventId: string) {
  const rows = await sql`select outcome, epoch from relink.inbox where event_id = ${eventId}`;
  return rows.map(({ outcome, epoch }) => [outcome, epoch]);
}

/** The dead letter whose body is this, once it is there. */
function deadLetterOf(body: object) {
  const find = async () => {
    const rows = await sql<{ id: string; reason: string; detail: string }[]>`
      select id, reason, detail from relink.dead_letters where body = ${JSON.stringify(body)}`;
    return rows[0];
  };
  return until(find, { what: 'the dead letter' }) as Promise<
    NonNullable<Awaited<ReturnType<typeof find>>>
  >;
}

test('a flat business event counts once, however often it is published', async () => {
  const [body, id] = [flatCompletion(), randomUUIDv7()];
  await publish(COMPLETED, body, { [HEADER.messageId]: id });
  await until(() => handledOf(body)[0], { what: 'it is handled' });
  // Later than JetStream knows the id: another message to the broker, the same to the consumer.
  await publish(COMPLETED, body, { [HEADER.messageId]: `${id}#1`, [HEADER.eventId]: id });
  const other = flatCompletion();
  await publish(COMPLETED, other, { [HEADER.messageId]: randomUUIDv7().toUpperCase() });
  await until(() => handledOf(other)[0], { what: 'the next one is handled' });
  assert.equal(handledOf(body).length, 1);
  assert.deepEqual(handledOf(body)[0]!.payload, body);
  assert.deepEqual(await inboxOf(id), [['applied', 0n]], 'of no route');
});

test('a flat event is applied behind a fence, which is about routes', async () => {
  await raiseFence(sql, 'COMM-050', ALL_LANES, 7n);
  const body = flatCompletion();
  await publish(COMPLETED, body, { [HEADER.messageId]: randomUUIDv7() });
  await until(() => handledOf(body)[0], { what: 'it is handled' });
});

test('a flat event that lacks a field is a dead letter that names it, and is applied once mended', async () => {
  const { title, ...body } = flatCompletion();
  await publish(COMPLETED, body, { [HEADER.messageId]: randomUUIDv7() });
  const { id, reason, detail } = await deadLetterOf(body);
  assert.deepEqual([reason, detail], ['INVALID_EVENT', 'title: is missing']);
  const mended = JSON.stringify({ ...body, title });
  await sql`update relink.dead_letters set body = ${mended} where id = ${id}`;
  const again = () => redrive(sql, links['COMM-050'], completions, id, 'test');
  assert.deepEqual(await again(), { outcome: 'applied' });
  assert.deepEqual(await again(), { outcome: 'gone' });
  assert.equal(handledOf(body).length, 1);
});

test('a flat event without a message id is a dead letter: a duplicate would not be known', async () => {
  const body = flatCompletion();
  await publish(COMPLETED, body, {});
  const { reason, detail } = await deadLetterOf(body);
  assert.equal(reason, 'INVALID_EVENT');
  assert.match(detail, /^event_id: /);
});

test('a flat state of an entity becomes the replica when its version is the newest', async () => {
  const body = flatCandidate();
  const headers = { [HEADER.messageId]: randomUUIDv7(), [HEADER.version]: '4' };
  await publish(CREATED, body, headers);
  const find = async () => {
    const rows = await sql`
      select version, name, status, exercises_to_solve as exercises from candidate_replicas
      where id = ${body.candidate_id}`;
    return rows[0];
  };
  const replica = await until(find, { what: 'the replica' });
  const exercises = [body.exercises_to_solve[0]!.exercise_id];
  assert.deepEqual(
    { ...replica },
    { version: 4n, name: 'Emmy Noether', status: 'teacher', exercises },
  );
});

test('a flat state without a version is a dead letter: nobody knows whether it is the newest', async () => {
  const body = flatCandidate();
  await publish(CREATED, body, { [HEADER.messageId]: randomUUIDv7() });
  const { reason, detail } = await deadLetterOf(body);
  assert.equal(reason, 'INVALID_EVENT');
  assert.match(detail, /^entity version: missing/);
});

test('an event that the map does not name as flat is a dead letter without its envelope', async () => {
  const body = { assignment_id: randomUUIDv7() };
  const subject = 'COMM-070.03.v0.AssessmentAssigned';
  await publish(subject, body, { [HEADER.messageId]: randomUUIDv7() });
  const { reason, detail } = await deadLetterOf(body);
  assert.equal(reason, 'INVALID_EVENT');
  assert.match(detail, /event_id: is missing/);
});
