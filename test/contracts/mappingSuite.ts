/** What must hold of every mapping between two versions of an event. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { Contract } from '../../link/contracts/contract.ts';
import { downcastEvent, type Mapping, upcastEvent } from '../../link/contracts/mapping.ts';
import type { Database } from '../../runtime/postgres.ts';
import { arbitraryEvent, type JsonObject } from './arbitraryEvent.ts';

type Payloads = fc.Arbitrary<JsonObject>;

export interface MappingUnderTest {
  readonly mapping: Mapping;
  /** Odd values of some fields, beside those that the schema alone leads to. */
  readonly oddOlder?: Payloads | undefined;
  readonly oddNewer?: Payloads | undefined;
}

/** Payloads that go to PostgreSQL at once: it is asked a few times, not for each. */
const rows = 200;
const databaseRuns = 3;

export function describeMapping(
  { mapping, oddOlder, oddNewer }: MappingUnderTest,
  sql: Database,
): void {
  const { older, newer, loss, drops } = mapping;
  const olderEvents = eventsOf(older, oddOlder);
  const newerEvents = eventsOf(newer, oddNewer);
  const complements = olderEvents.map(payloadOf);
  const hasWayBack = loss !== 'irreversible';

  const comesBack = (event: JsonObject, complement: JsonObject): boolean => {
    const down = downcastEvent(mapping, event, complement);
    if (older.findProblems(down).length > 0) return false;
    const again = upcastEvent(mapping, down) as JsonObject;
    return isDeepStrictEqual(without(drops, again), without(drops, event));
  };
  /** What the newer version says if the older one is asked first: has no problem if it fits. */
  const canonical = fc.tuple(newerEvents, complements).map(([event, complement]) => {
    const again = upcastEvent(mapping, downcastEvent(mapping, event, complement)) as JsonObject;
    return { ...again, payload: { ...payloadOf(again), ...only(drops, payloadOf(event)) } };
  });
  const sayable = canonical.filter((event) => mapping.findProblems(payloadOf(event)).length === 0);

  describe(`${older.event} v${older.version} → v${newer.version}`, () => {
    test('takes every valid event up to a valid one without problems', () => {
      fc.assert(
        fc.property(olderEvents, (event) => {
          const up = upcastEvent(mapping, event) as JsonObject;
          assert.deepEqual(newer.findProblems(up), []);
          assert.deepEqual(mapping.findProblems(payloadOf(up)), []);
        }),
      );
    });

    test('gives every older event back, with what the owner has of it', {
      skip: !hasWayBack,
    }, () => {
      fc.assert(
        fc.property(olderEvents, (event) => {
          const complement = loss === 'lossless' ? undefined : payloadOf(event);
          const down = downcastEvent(mapping, upcastEvent(mapping, event), complement);
          assert.deepEqual(down, event);
        }),
      );
    });

    test('gives every newer event back, whatever the owner has, but for what it drops', {
      skip: !hasWayBack,
    }, () => {
      fc.assert(fc.property(sayable, complements, comesBack));
    });

    test('finds a problem exactly where a newer event cannot come back', {
      skip: !hasWayBack,
    }, () => {
      fc.assert(
        fc.property(fc.oneof(newerEvents, canonical), complements, (event, complement) => {
          const problems = mapping.findProblems(payloadOf(event));
          assert.equal(problems.length === 0, comesBack(event, complement));
        }),
      );
    });

    test('takes rows up in PostgreSQL as it takes events', async () => {
      await sameInPostgres(sql, olderEvents.map(payloadOf), mapping.sqlUp(), (payload) =>
        mapping.upcast(payload),
      );
    });

    test('takes rows down in PostgreSQL as it takes events', { skip: !hasWayBack }, async () => {
      const complement = fc.sample(complements, 1)[0]!;
      await sameInPostgres(sql, sayable.map(payloadOf), mapping.sqlDown(), (payload) =>
        mapping.downcast(payload, complement),
      );
    });
  });
}

function eventsOf({ schema }: Contract, odd: Payloads = fc.constant({})): Payloads {
  const plain = arbitraryEvent(schema);
  const changed = fc
    .tuple(plain, odd)
    .map(([event, fields]) => ({ ...event, payload: { ...payloadOf(event), ...fields } }));
  const events = fc.oneof(plain, { weight: 3, arbitrary: changed });
  return events.map((event) => JSON.parse(JSON.stringify(event))); // as parsed, with prototypes
}

/** Columns are texts with the names of the fields, as rows of the services have them. */
async function sameInPostgres(
  sql: Database,
  payloads: Payloads,
  expressions: Readonly<Record<string, string>>,
  change: (payload: JsonObject) => JsonObject,
): Promise<void> {
  const fields = Object.keys(expressions);
  if (fields.length === 0) return;
  const selected = Object.entries(expressions).map(([field, text]) => `${text} as "${field}"`);
  const manyRows = fc.array(payloads, { minLength: rows, maxLength: rows });
  await fc.assert(
    fc.asyncProperty(manyRows, async (payloads) => {
      const columns = Object.keys(payloads[0]!).map((field) => `"${field}" text`);
      const found = await sql.unsafe(
        `select ${selected.join()} from jsonb_to_recordset($1::text::jsonb) as rows(${columns})`,
        [JSON.stringify(payloads)],
      );
      const expected = payloads.map((payload) => only(fields, change(payload)));
      assert.deepEqual([...found], expected);
    }),
    { numRuns: databaseRuns },
  );
}

function payloadOf(event: JsonObject): JsonObject {
  return event.payload as JsonObject;
}

function without(fields: readonly string[], event: JsonObject): JsonObject {
  const kept = Object.keys(payloadOf(event)).filter((field) => !fields.includes(field));
  return { ...event, payload: only(kept, payloadOf(event)) };
}

function only(fields: readonly string[], payload: JsonObject): JsonObject {
  return Object.fromEntries(fields.map((field) => [field, payload[field]]));
}
