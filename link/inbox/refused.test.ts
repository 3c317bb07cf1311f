/** Messages that nobody should send become dead letters, whatever is in their headers and events. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import type { Arrival } from './delivery.ts';
import { Receiver } from './receiver.ts';
import { solutionCompleted, solutionHandler } from './solutions.fixture.ts';

const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'refused' });
after(() => closePostgres(sql));

const handler = solutionHandler(async () => assert.fail('it was handled'));
const link = links['COMM-040'];
const receiver = new Receiver({ sql, link, log: silentLog, handler });

const FORGED: Readonly<Record<string, Partial<Arrival>>> = {
  'a key with NUL': { key: 'a\0b' },
  'an id with NUL': { eventId: 'a\0b' },
  'an id that is no UUID': { eventId: 'Ada' },
  'a source and a trace with NUL': { source: '\0', traceparent: '\0', version: 0n },
  'a key longer than an index takes': { key: longText() },
  'an event with NUL': { text: '{"a":"\0"}' },
  'an unknown event with NUL': { event: 'a\0' },
  'a version that is no number': { eventVersion: Number.NaN },
  'a version above int4': { eventVersion: 2 ** 40 },
  'a lone surrogate': { text: '"\\ud800\ud800"' },
  'no text': { text: '' },
};

for (const [what, forged] of Object.entries(FORGED))
  test(`a message with ${what} is a dead letter, and shadow copies of it are noted`, async () => {
    const [receipt] = await receiver.receive([{ ...solutionCompleted(), ...forged }]);
    assert.equal(receipt!.outcome, 'dead', receipt!.detail);
    const copy = { ...solutionCompleted(), ...forged, isShadow: true };
    const [ofCopy] = await receiver.receive([copy]);
    assert.equal(ofCopy!.outcome, 'duplicate', ofCopy!.detail);
  });

test('a message whose id is in capitals is a dead letter: the inbox would not know it again', async () => {
  const arrival = solutionCompleted();
  const eventId = arrival.eventId.toUpperCase();
  const text = arrival.text.replace(arrival.eventId, eventId);
  const [receipt] = await receiver.receive([{ ...arrival, eventId, text }]);
  assert.equal(receipt!.outcome, 'dead', receipt!.detail);
  assert.match(receipt!.detail ?? '', /event_id: .* lower case/);
});

/** Not compressible, so that an index would have to hold it as it is. */
function longText(): string {
  return Array.from({ length: 300 }, () => randomUUIDv7()).join('');
}

test('a message whose handler fails with any text becomes a dead letter with as much of it as fits', async () => {
  const failing = solutionHandler(async () => {
    throw new Error(`nul \0 ${'x'.repeat(1_000_000)}`);
  });
  const limits = { maxAttempts: 1 };
  const failed = new Receiver({ sql, link, log: silentLog, handler: failing, limits });
  const arrival = solutionCompleted();
  const [receipt] = await failed.receive([arrival]);
  assert.equal(receipt?.outcome, 'dead');
  const [letter] = await sql<{ detail: string }[]>`
    select detail from relink.dead_letters where event_id = ${arrival.eventId}`;
  assert.match(letter?.detail ?? '', /^nul \ufffd x{100}/);
  assert.equal(letter?.detail.length, 2_000);
});
