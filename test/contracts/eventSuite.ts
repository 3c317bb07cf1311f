/** What must hold of every version of every event; new events are covered by being in proto/. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
} from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import {
  decodeJson,
  decodeMessage,
  decodeText,
  defineContract,
  encodeText,
  fromMessage,
  toMessage,
} from '../../link/contracts/contract.ts';
import type { JsonSchema } from '../../link/contracts/jsonSchema.ts';
import { arbitraryEvent, type JsonObject } from './arbitraryEvent.ts';
import { spoil } from './spoil.ts';

export interface EventUnderTest {
  readonly event: string;
  readonly version: number;
  readonly message: DescMessage;
  readonly schema: JsonSchema;
}

const validator = createValidator();

export function describeEvent({ event: name, version, message, schema }: EventUnderTest): void {
  const contract = defineContract(message, schema);
  const events = arbitraryEvent(schema);
  const throughBinary = (event: JsonObject) =>
    fromBinary(message, toBinary(message, toMessage(contract, event as never)));

  describe(`${name} v${version}`, () => {
    test('is known by its name and version', () => {
      assert.deepEqual([contract.event, contract.version], [name, version]);
    });

    test('accepts the ProtoJSON that protobuf writes', () => {
      check(events, (event) => {
        const decoded = decodeJson(contract, fromMessage(contract, throughBinary(event)));
        assert.deepEqual(decoded.ok ? [] : decoded.problems, []);
      });
    });

    test('accepts as JSON what it accepts as a message', () => {
      check(events, (event) => {
        assert.equal(decodeText(contract, JSON.stringify(event)).ok, true);
        assert.equal(decodeMessage(contract, throughBinary(event)).ok, true);
        const result = validator.validate(message, throughBinary(event));
        assert.equal(result.kind, 'valid', String(result.error));
      });
    });

    test('refuses every spoiled event and names the field', () => {
      check(events, (event) => {
        for (const { how, field, event: bad } of spoil(schema, event)) {
          const decoded = decodeText(contract, JSON.stringify(bad));
          assert.ok(!decoded.ok, `${field} ${how} and is accepted`);
          const named = decoded.problems.map((problem) => problem.field);
          const isNamed = named.some(
            (n) => n === field || n.startsWith(field) || field.startsWith(n),
          );
          assert.ok(isNamed, `${field} ${how}; named is ${named}`);
        }
      });
    });

    test('refuses what the rules of the message refuse', () => {
      check(events, (event) => {
        for (const { how, field, event: bad } of spoil(schema, event)) {
          const read = readMessage(message, bad);
          if (!read || validator.validate(message, read).kind === 'valid') continue;
          assert.equal(decodeMessage(contract, read).ok, false, `${field} ${how}`);
        }
      });
    });

    test('has one text, however the event came', () => {
      check(events, (event) => {
        const text = encodeText(contract, event as never);
        const shuffled = reverseFields(event) as never;
        assert.equal(encodeText(contract, shuffled), text);
        assert.equal(encodeText(contract, JSON.parse(text)), text);
        const message = throughBinary(event);
        assert.equal(encodeText(contract, fromMessage(contract, message) as never), text);
        assert.equal(decodeText(contract, text).ok, true);
      });
    });

    test('refuses a message with a field of a later version', () => {
      check(events, (event) => {
        const later = Uint8Array.of(...toBinary(message, throughBinary(event)), 0xf8, 0x7f, 1);
        const decoded = decodeMessage(contract, fromBinary(message, later));
        assert.match(decoded.ok ? '' : decoded.problems[0]!.message, /unknown field, number 2047/);
      });
    });

    test('never throws, whatever the text', () => {
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.json()), (text) => !decodeText(contract, text).ok),
      );
    });

    test('has a schema that any reader of draft 2020-12 can use', () => {
      const ajv = new Ajv2020({ strict: false });
      addFormats.default(ajv);
      ajv.addFormat('uint64', true);
      const isValid = ajv.compile(schema);
      check(events, (event) => {
        const json = fromMessage(contract, throughBinary(event));
        assert.ok(isValid(json), ajv.errorsText(isValid.errors));
      });
    });

    test('explains every field and refuses unknown ones at every level', () => {
      assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
      assert.doesNotMatch(JSON.stringify(schema), /"\$ref"/);
      for (const part of objectsOf(schema)) {
        assert.equal(part.additionalProperties, false);
        for (const [field, property] of Object.entries(part.properties!)) {
          assert.ok(property.title || property.description, `${field} is not explained`);
        }
      }
    });
  });
}

// So few because one event is spoiled in a hundred ways.
const runs = 30;

function check(events: fc.Arbitrary<JsonObject>, holds: (event: JsonObject) => void): void {
  fc.assert(fc.property(events, holds), { numRuns: runs });
}

function readMessage(message: DescMessage, json: JsonObject) {
  try {
    return fromJson(message, json as JsonValue);
  } catch {
    return undefined; // JSON that protobuf cannot even read has no message
  }
}

function reverseFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reverseFields);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, inner]) => [name, reverseFields(inner)]);
  return Object.fromEntries(fields.reverse());
}

function* objectsOf(schema: JsonSchema): Generator<JsonSchema> {
  if (schema.type === 'object') yield schema;
  for (const property of Object.values(schema.properties ?? {})) yield* objectsOf(property);
  if (schema.items) yield* objectsOf(schema.items);
}
