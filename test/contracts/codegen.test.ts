import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findEvents } from '../../dev/codegen/events.ts';
import { eventSchema } from '../../dev/codegen/messageSchema.ts';
import { UnsupportedRule } from '../../dev/codegen/rules.ts';
import type { JsonSchema } from '../../link/contracts/jsonSchema.ts';
import { compileProtos } from './compileProtos.ts';

describe('the schema generator', () => {
  const refused: [name: string, field: string, where: RegExp][] = [
    [
      'a CEL rule',
      'string f = 1 [json_name = "f", (buf.validate.field).cel_expression = "true"];',
      /CEL/,
    ],
    [
      'a rule on time',
      'google.protobuf.Timestamp f = 1 [(buf.validate.field).timestamp.lt_now = true];',
      /timestamp\.lt_now/,
    ],
    ['an order of 64-bit numbers', 'int64 f = 1 [(buf.validate.field).int64.gt = 1];', /int64\.gt/],
    [
      'a length in bytes',
      'string f = 1 [(buf.validate.field).string.max_bytes = 1];',
      /string\.max_bytes/,
    ],
    [
      'a range that is turned inside out',
      'int32 f = 1 [(buf.validate.field).int32 = {gt: 5 lt: 1}];',
      /range/,
    ],
    ['a map', 'map<string, string> f = 1;', /a map/],
    ['a message inside itself', 'Payload f = 1;', /recursive/],
  ];

  for (const [name, field, reason] of refused) {
    test(`refuses ${name}, naming the field, because a schema cannot say it`, () => {
      assert.throws(
        () => generate(field),
        (error) => error instanceof UnsupportedRule && reason.test(error.message),
      );
    });
  }

  test('refuses a field whose JSON name is not its own', () => {
    assert.throws(() => generate('string long_name = 1;'), /json_name = "long_name"/);
  });

  test('refuses an event without the envelope', () => {
    const file = 'message Bare { string event_id = 1; }';
    assert.throws(() => compileEvents(file), /Bare: an event must have the fields event_id/);
  });

  test('takes comments as descriptions, and the name as title where there is none', () => {
    const { properties } = generate(
      '// What it is,\n// in two lines.\nstring f = 1;\nstring g = 2;',
    );
    assert.equal(properties?.f?.description, 'What it is, in two lines.');
    assert.equal(properties?.g?.title, 'g');
  });

  test('requires plain values and leaves lists, optional values and messages free', () => {
    const fields = 'string a = 1; optional string b = 2; repeated string c = 3; Event.Part d = 4;';
    assert.deepEqual(generate(fields).required, ['a']);
  });
});

/** The payload's schema of an event with these payload fields. */
function generate(fields: string): JsonSchema {
  const [event] = compileEvents(`message Event {
    string event_id = 1 [json_name = "event_id"];
    int32 event_version = 2 [json_name = "event_version"];
    string event_name = 3 [json_name = "event_name"];
    google.protobuf.Timestamp produced_at = 4 [json_name = "produced_at"];
    Payload payload = 5;
    message Part { string p = 1; }
    message Payload {
${fields}
}
  }`);
  return eventSchema(event!).properties!.payload!;
}

function compileEvents(source: string) {
  const folder = mkdtempSync(join(tmpdir(), 'relink-events-'));
  const name = 'shop/events/v0/event.proto';
  try {
    mkdirSync(join(folder, 'shop/events/v0'), { recursive: true });
    const head = ['buf/validate/validate.proto', 'google/protobuf/timestamp.proto'];
    const imports = head.map((file) => `import "${file}";`).join('\n');
    const text = `syntax = "proto3";\npackage shop.events.v0;\n${imports}\n${source}\n`;
    writeFileSync(join(folder, name), text);
    return findEvents(compileProtos(folder).files, new Set([name]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
