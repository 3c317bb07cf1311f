/** What a request learns about a message whose lane another process owns. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { solutionCompleted } from '../inbox/solutions.fixture.ts';
import { closeRows } from '../outbox/closeRows.ts';
import { enqueue } from '../outbox/enqueue.ts';
import { Relay } from './relay.ts';

const link = links['COMM-040'];
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'waiting' });
const nobody = connectPostgres('postgres://postgres@127.0.0.1:1/postgres', { name: 'waiting' });
after(() => Promise.all([closePostgres(sql), closePostgres(nobody)]));

const WITHIN_MS = 50;

/** It is never started: it owns no lane and sends nothing. */
function relayOn(database: Database): Relay {
  const unused = () => undefined as never;
  return new Relay({
    ...{
      sql: database,
      queueSql: database,
      leaseSql: database,
      log: silentLog,
      nats: unused(),
      links: [link],
    },
    ...{ service: 'hiring', instance: 'other', ask: unused, look: unused, raiseFence: unused },
    ...{ asyncDispatcher: unused, syncDispatcher: unused, keepsHistory: true, windowBytes: 1 },
  });
}

async function committed() {
  const { version, text } = solutionCompleted();
  const payload = { ...JSON.parse(text).payload, accepted_by: '' };
  const [message] = await sql.begin((tx) =>
    enqueue(tx, link, [{ event: 'SolutionCompleted', version, payload }]),
  );
  return message!;
}

test('a missing row counts as the receipt, and a row that is still there does not', async () => {
  const message = await committed();
  assert.equal(await relayOn(sql).waitForReceipt(message, WITHIN_MS), false);
  await sql`delete from relink.outbox where seq = ${message.seq}`;
  assert.equal(await relayOn(sql).waitForReceipt(message, WITHIN_MS), true);
});

test('a row that is gone because the consumer gave up is no effect', async () => {
  const message = await committed();
  const [term, lane] = [7n, message.lane];
  await sql`insert into relink.lanes (link, lane, owner, term) values (${link.id}, ${lane}, 'owner', 7)
    on conflict (link, lane) do update set owner = 'owner', term = 7`;
  const { seq, eventId } = message;
  const row = { seq, eventId, epoch: 1n, hash: 1n, hashedVersion: 1, isDead: true };
  const closing = { leg: message.leg, rows: [row], terms: new Map([[lane, term]]), isKept: true };
  const closed = await closeRows(sql, { link: link.id, instance: 'owner' }, closing);
  assert.equal(closed.removed, 1);
  assert.equal(await relayOn(sql).waitForReceipt(message, WITHIN_MS), false);
});

test('a database that goes away after the commit leaves the message pending', async () => {
  const message = await committed();
  assert.equal(await relayOn(nobody).waitForReceipt(message, WITHIN_MS), false);
});
