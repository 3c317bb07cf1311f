/** Messages in a contract version that is newer than what this build reads; another process may read it. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { SERVICE_RETRY_MS } from '../backoff.ts';
import { parseReleases, releasedAs } from '../release.ts';
import type { Receipt } from '../wire/receipt.ts';
import type { Arrival } from './delivery.ts';
import { NewerContracts } from './newerContracts.ts';
import { Receiver } from './receiver.ts';
import { solutionCompleted, solutionHandler } from './solutions.fixture.ts';

const link = links['COMM-040'];
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'newer' });
after(() => closePostgres(sql));
beforeEach(async () => {
  await sql`truncate relink.inbox, relink.positions, relink.parked, relink.dead_letters`;
});

const newer = new NewerContracts(silentLog);

function receiverOf(release: string): Receiver {
  const handler = solutionHandler(async () => undefined);
  const onNewer = (detail: string) => newer.note(link.id, detail);
  const released = releasedAs(link, parseReleases(release).get(link.id));
  return new Receiver({ sql, link: released, log: silentLog, handler, onNewer });
}

const before = receiverOf('COMM-040=v0/v0');
const now = receiverOf('');

function inVersion1(arrival: Arrival): Arrival {
  const event = JSON.parse(arrival.text);
  const payload = { ...event.payload, accepted_by: 'Ada' };
  const text = JSON.stringify({ ...event, event_version: 1, payload });
  return { ...arrival, eventVersion: 1, text };
}

async function assertNotYet({ outcome, retryAfterMs, detail }: Receipt): Promise<void> {
  assert.equal(outcome, 'retry', detail);
  assert.equal(retryAfterMs, SERVICE_RETRY_MS);
  assert.match(detail ?? '', /SolutionCompleted .*v1.* reads v0: start a build that reads v1/);
  for (const table of ['inbox', 'dead_letters', 'attempts'])
    assert.equal((await sql`select from ${sql(`relink.${table}`)}`).length, 0, table);
}

test('a message that this build cannot read yet is not applied and not buried; one that reads it settles it', async () => {
  const arrival = inVersion1(solutionCompleted());
  await assertNotYet((await before.receive([arrival]))[0]!);
  const [receipt] = await now.receive([arrival]);
  assert.equal(receipt!.outcome, 'applied', receipt!.detail);
});

test('nor is one whose text is hashed in a newer version', async () => {
  const [receipt] = await before.receive([{ ...solutionCompleted(), hashedVersion: 1 }]);
  await assertNotYet(receipt!);
});

test('it holds up no other message of its batch', async () => {
  const receipts = await before.receive([inVersion1(solutionCompleted()), solutionCompleted()]);
  assert.deepEqual(
    receipts.map(({ outcome }) => outcome),
    ['retry', 'applied'],
  );
});

test('one that a newer build parked stays parked until such a build has its turn', async () => {
  const key = randomUUIDv7();
  await now.receive([inVersion1(solutionCompleted(key, 2n))]);
  await before.receive([solutionCompleted(key)]);
  assert.equal((await before.unparkOne())?.outcome, 'retry');
  assert.equal(await before.unparkOne(), undefined, 'its key rests');
  assert.equal((await now.unparkOne())?.outcome, 'applied');
});

test('of a version that the map does not list, what a relay sent waits, and what nobody keeps is a dead letter', async () => {
  const unlisted = { ...solutionCompleted(), eventVersion: 99 };
  const [kept] = await now.receive([unlisted]);
  assert.equal(kept!.outcome, 'retry', kept!.detail);
  const [foreign] = await now.receive([{ ...unlisted, epoch: 0n, source: '' }]);
  assert.equal(foreign!.outcome, 'dead', foreign!.detail);
});

test('a copy of it is noted as refused, with the reason', async () => {
  const copy = { ...inVersion1(solutionCompleted()), isShadow: true };
  assert.equal((await before.receive([copy]))[0]!.outcome, 'duplicate');
  const [result] = await sql<{ ok: boolean; detail: string }[]>`
    select ok, detail from relink.shadow_results where event_id = ${copy.eventId}`;
  assert.equal(result?.ok, false);
  assert.match(result.detail, /start a build that reads v1/);
});

test('the process is not ready while such messages come, and says why', async () => {
  let atMs = 0;
  const contracts = new NewerContracts(silentLog, () => atMs);
  contracts.requireNone();
  contracts.note('COMM-040', 'it came as v1');
  assert.throws(() => contracts.requireNone(), /^Error: COMM-040: it came as v1$/);
  atMs = 29_000;
  assert.throws(() => contracts.requireNone());
  atMs = 31_000;
  contracts.requireNone();
});
