/** What travels in an older version, and that both sides hash the same text of it. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { test } from 'node:test';
import { links } from '../services/links.ts';
import { managerUpdated } from '../services/mappings/nicknames.ts';
import { type Contract, encodeText } from './contracts/contract.ts';
import type { Mapping } from './contracts/mapping.ts';
import { payloadHash } from './contracts/payloadHash.ts';
import { checkArrival } from './inbox/delivery.ts';
import { type LinkDefinition, laneOf } from './link.ts';
import type { OutboxRow } from './outbox/openRows.ts';
import { withComplements } from './transport/complements.ts';
import type { Dispatcher } from './transport/dispatcher.ts';
import { hashedVersion, mapPayload, textIn } from './versions.ts';
import { otherHashedVersion, type Parcel, textOf } from './wire/parcel.ts';

const managers = {
  ...links['COMM-010'],
  contracts: [managerUpdated.newer],
  mappings: [managerUpdated],
} as unknown as LinkDefinition;
const solutions = links['COMM-040'] as LinkDefinition;
const KEY = '01900000-0000-7000-8000-000000000001';
const NAMES = { first_name: 'Emmy', last_name: 'Noether' };
const handler = { events: { ManagerUpdated: true } } as const;

/** A change of a manager as a build that writes v1 has it in its outbox. */
function rowOf(): OutboxRow {
  const older = { manager_replication_id: KEY, ...NAMES, updated_at: '2026-01-01T00:00:00Z' };
  const payload = (managerUpdated as unknown as Mapping).upcast(older);
  const eventId = randomUUIDv7();
  const event = { event_id: eventId, event_version: 1, event_name: 'ManagerUpdated' };
  const whole = { ...event, produced_at: '2026-01-01T00:00:00Z', payload };
  const body = encodeText(managerUpdated.newer as Contract, whole);
  const place = { leg: 'COMM-010/hiring', seq: 1, lane: laneOf(KEY), key: KEY, version: 1n };
  const written = { event: 'ManagerUpdated', eventVersion: 1, eventId, body };
  return { ...place, ...written, traceparent: null, ageMs: 0 };
}

const parcelOf = (row: OutboxRow, version: number): Parcel => ({
  ...{ row, version, to: [{ consumer: 'hiring', epoch: 1n }], shadow: [], copied: [], resends: 0 },
});

/** Dispatches by something that only remembers what it was given. */
async function completed(parcel: Parcel, names: Record<string, string> | undefined) {
  const given: Parcel[] = [];
  const inner: Dispatcher = {
    dispatch: async (parcels) => {
      given.push(...parcels);
      return parcels.map(() => ({ kind: 'sent' }));
    },
  };
  const asked: string[] = [];
  const read = async (keys: readonly string[]) => {
    asked.push(...keys);
    return new Map(names ? [[KEY, names]] : []);
  };
  await withComplements(managers, inner, read).dispatch([parcel]);
  return { parcel: given[0]!, asked };
}

test('what an older version needs is asked of the owner, and both sides hash what was written', async () => {
  const row = rowOf();
  assert.ok(!row.body.includes('Noether'));
  const { parcel, asked } = await completed(parcelOf(row, 0), NAMES);
  assert.deepEqual(asked, [KEY]);
  const text = textOf(managers, parcel);
  assert.match(text, /"event_version":0,.*"first_name":"Emmy","last_name":"Noether"/);
  assert.equal(otherHashedVersion(managers, parcel), 1);
  const { eventId, event, key, version } = row;
  const headers = { link: 'COMM-010', eventId, event, eventVersion: 0, hashedVersion: 1 };
  const rest = { key, version, epoch: 1n, source: 'assessments', traceparent: undefined, text };
  const arrival = { ...headers, ...rest, isShadow: false, isCopied: false };
  const checked = checkArrival(managers, arrival, handler);
  if (!checked.ok) assert.fail(checked.detail);
  assert.equal(checked.delivery.hash, payloadHash(eventId, row.body));
  assert.equal(checked.delivery.hashedVersion, 1);
  assert.ok(!('first_name' in checked.delivery.payload), 'a handler sees the newest version');
});

test('a message whose form of a row was removed is stored in the oldest that is left', () => {
  const payload = { manager_replication_id: KEY, ...NAMES, updated_at: '2026-01-01T00:00:00Z' };
  const eventId = randomUUIDv7();
  const event = { event_id: eventId, event_version: 0, event_name: 'ManagerUpdated' };
  const text = JSON.stringify({ ...event, produced_at: '2026-01-01T00:00:00Z', payload });
  const headers = { link: 'COMM-010', eventId, event: 'ManagerUpdated', eventVersion: 0, key: KEY };
  const rest = { version: 1n, epoch: 1n, source: '', traceparent: undefined, text };
  const arrival = { ...headers, ...rest, isShadow: false, isCopied: false };
  const storedFrom = (oldest: number) => {
    const checked = checkArrival(managers, arrival, { ...handler, oldestForm: () => oldest });
    if (!checked.ok) assert.fail(checked.detail);
    const { contractVersion, older, hashedVersion: hashed } = checked.delivery;
    return { contractVersion, older, hashed };
  };
  assert.deepEqual(storedFrom(0), { contractVersion: 0, older: NAMES, hashed: 0 });
  assert.deepEqual(storedFrom(1), { contractVersion: 1, older: {}, hashed: 0 });
});

test('a message whose owner is gone cannot travel in the older version', async () => {
  const { parcel } = await completed(parcelOf(rowOf(), 0), undefined);
  assert.throws(() => textOf(managers, parcel), {
    code: 'NO_MAPPING',
    message: /the owner no longer has first_name, last_name/,
  });
});

test('nobody is asked for what travels as it was written', async () => {
  const { parcel, asked } = await completed(parcelOf(rowOf(), 1), NAMES);
  assert.deepEqual(asked, []);
  assert.equal(parcel.complement, undefined);
  assert.equal(textOf(managers, parcel), parcel.row.body);
});

test('where fields are only left out, what travels is hashed', () => {
  const written = { event: 'SolutionCompleted', eventVersion: 1, body: '{}' };
  assert.equal(hashedVersion(solutions, written, 0), 0);
  assert.equal(hashedVersion(solutions, { ...written, eventVersion: 0 }, 1), 1);
});

test('a version that nothing leads to is refused by name', () => {
  const payload = { event: 'SolutionCompleted', payload: {} };
  const refusal = { code: 'NO_MAPPING', message: /no mapping from v0 to v3/ };
  assert.throws(() => mapPayload(solutions, payload, { from: 0, to: 3 }), refusal);
  const written = { event: 'SolutionCompleted', eventVersion: 0, body: '{}' };
  assert.throws(() => textIn(solutions, written, 3), { code: 'NO_MAPPING' });
});
