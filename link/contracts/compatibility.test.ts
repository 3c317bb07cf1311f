import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { managerCreatedV0, managerUpdatedV0 } from '../../gen/events.ts';
import { compareSchemas } from './compatibility.ts';
import type { JsonSchema } from './jsonSchema.ts';

function ofField(older: JsonSchema, newer: JsonSchema): string[] {
  const wrap = (f: JsonSchema): JsonSchema => ({
    type: 'object',
    properties: { f },
    required: ['f'],
    additionalProperties: false,
  });
  return compareSchemas(wrap(older), wrap(newer)).map(
    ({ field, problem, direction }) => `${direction}: ${field} ${problem}`,
  );
}

describe('compareSchemas', () => {
  test('finds nothing between equal schemas', () => {
    assert.deepEqual(compareSchemas(managerCreatedV0.schema, managerCreatedV0.schema), []);
  });

  test('finds a different name, field or constant in both directions', () => {
    const problems = compareSchemas(managerCreatedV0.schema, managerUpdatedV0.schema);
    const found = problems.map(({ field, direction }) => `${direction} ${field}`);
    assert.deepEqual(found.toSorted(), [
      'backward event_name',
      'backward payload.created_at',
      'backward payload.updated_at',
      'forward event_name',
      'forward payload.created_at',
      'forward payload.updated_at',
    ]);
  });

  test('leaves ignored fields out', () => {
    const ignore = ['event_name', 'payload.created_at', 'payload.updated_at'];
    const { schema } = managerCreatedV0;
    assert.deepEqual(compareSchemas(schema, managerUpdatedV0.schema, { ignore }), []);
  });

  const tightened: [name: string, loose: JsonSchema, tight: JsonSchema][] = [
    ['a shorter text', { type: 'string', maxLength: 9 }, { type: 'string', maxLength: 5 }],
    ['a new upper bound', { type: 'string' }, { type: 'string', maxLength: 5 }],
    ['a longer minimum length', { type: 'string' }, { type: 'string', minLength: 1 }],
    ['a pattern', { type: 'string' }, { type: 'string', pattern: '^a' }],
    ['a pattern beside another', { pattern: 'a' }, { pattern: 'a', allOf: [{ pattern: 'b' }] }],
    ['a format', { type: 'string' }, { type: 'string', format: 'uuid' }],
    ['fewer values', { enum: ['a', 'b'] }, { enum: ['a'] }],
    ['listed values', { type: 'string' }, { type: 'string', enum: ['a'] }],
    ['a higher minimum', { type: 'integer', minimum: 0 }, { type: 'integer', minimum: 1 }],
    [
      'an exclusive minimum',
      { type: 'integer', minimum: 0 },
      { type: 'integer', exclusiveMinimum: 0 },
    ],
    ['a lower maximum', { type: 'integer' }, { type: 'integer', maximum: 9 }],
    ['an exclusive maximum', { maximum: 9 }, { exclusiveMaximum: 9 }],
    ['whole numbers', { type: 'number' }, { type: 'integer' }],
    ['fewer items', { type: 'array', maxItems: 9 }, { type: 'array', maxItems: 5 }],
    ['unique items', { type: 'array' }, { type: 'array', uniqueItems: true }],
    [
      'stricter items',
      { type: 'array', items: { type: 'string' } },
      { type: 'array', items: { type: 'string', minLength: 2 } },
    ],
    ['an excluded value', { type: 'string' }, { type: 'string', not: { const: 'a' } }],
    ['a choice', { type: 'object' }, { type: 'object', oneOf: [{ required: ['a'] }] }],
  ];

  for (const [name, loose, tight] of tightened) {
    test(`sees ${name} as breaking old events only`, () => {
      const found = ofField(loose, tight);
      assert.equal(found.length, 1, found.join());
      assert.match(found[0]!, /^backward: f/);
    });

    test(`sees ${name} removed as breaking old readers only`, () => {
      const found = ofField(tight, loose);
      assert.equal(found.length, 1, found.join());
      assert.match(found[0]!, /^forward: f/);
    });
  }

  test('checks a listed value by itself, whatever its bounds', () => {
    const any: JsonSchema = { type: 'string', maxLength: 3 };
    assert.deepEqual(ofField({ type: 'string', const: 'abc' }, any).length, 1);
    assert.match(ofField({ type: 'string', const: 'abc' }, any)[0]!, /^forward/);
    assert.match(ofField({ type: 'string', const: 'abcd' }, any).join(), /backward.*out of bounds/);
  });

  test('says in which direction an added optional field breaks', () => {
    const older: JsonSchema = { type: 'object', properties: {}, additionalProperties: false };
    const newer: JsonSchema = { ...older, properties: { added: { type: 'string' } } };
    assert.deepEqual(compareSchemas(older, newer), [
      { field: 'added', problem: 'is not a field of the reader', direction: 'forward' },
    ]);
  });

  test('says that a field which became required may be missing', () => {
    const older: JsonSchema = { type: 'object', properties: { a: { type: 'string' } } };
    const newer: JsonSchema = { ...older, required: ['a'] };
    assert.deepEqual(compareSchemas(older, newer), [
      { field: 'a', problem: 'may be missing', direction: 'backward' },
    ]);
  });
});
