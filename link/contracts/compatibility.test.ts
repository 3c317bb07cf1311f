import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { managerCreatedV0, managerUpdatedV0 } from '../../gen/events.ts';
import { compareSchemas } from './compatibility.ts';
import { ContractError } from './contractError.ts';
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
    assert.match(
      ofField({ type: 'string', const: 'abcd' }, any).join(),
      /backward: f may be "abcd", which must NOT have more than 3 characters/,
    );
  });

  test('says in which direction an added optional field breaks, and what to do', () => {
    const older: JsonSchema = { type: 'object', properties: {}, additionalProperties: false };
    const newer: JsonSchema = { ...older, properties: { added: { type: 'string' } } };
    assert.deepEqual(compareSchemas(older, newer), [
      {
        field: 'added',
        pointer: '/additionalProperties',
        problem: 'is not a field of the reader',
        direction: 'forward',
        verdict:
          'readers of the older schema refuse events of the newer one: added is not a field of ' +
          'the reader. To do: let every reader accept it before anything writes it, or make it a ' +
          'version of its own.',
      },
    ]);
  });

  test('says that a field which became required may be missing', () => {
    const older: JsonSchema = { type: 'object', properties: { a: { type: 'string' } } };
    const newer: JsonSchema = { ...older, required: ['a'] };
    const [finding, ...others] = compareSchemas(older, newer);
    assert.deepEqual(others, []);
    assert.equal(finding!.field, 'a');
    assert.equal(finding!.pointer, '/required');
    assert.match(finding!.verdict, /refuse events of the older one: a may be missing/);
  });

  test('points to the rule of the reader that refuses, through lists and odd names', () => {
    const text = (maxLength: number): JsonSchema => ({ type: 'string', maxLength });
    const listing = (item: JsonSchema): JsonSchema => ({
      type: 'object',
      properties: {
        'a/b': { type: 'array', items: { type: 'object', properties: { f: item } } },
      },
    });
    assert.deepEqual(
      compareSchemas(listing(text(9)), listing(text(5))).map(({ pointer }) => pointer),
      ['/properties/a~1b/items/properties/f/maxLength'],
    );
  });

  test('finds a renamed field, which gRPC would not mind, breaking both ways', () => {
    const named = (name: string): JsonSchema => ({
      type: 'object',
      properties: { [name]: { title: name, type: 'string', minLength: 1 } },
      required: [name],
      additionalProperties: false,
    });
    const found = compareSchemas(named('first_name'), named('given_name'));
    assert.deepEqual(new Set(found.map(({ direction }) => direction)).size, 2);
    const gone = found.find(({ field }) => field === 'first_name');
    assert.match(gone!.verdict, /It looks renamed, as given_name: gRPC carries numbers/);
  });

  test('judges an empty value that may stand beside the rule by the alternatives', () => {
    const orEmpty = (maxLength: number): JsonSchema => ({
      anyOf: [{ const: '' }, { type: 'string', minLength: 2, maxLength }],
    });
    const found = ofField(orEmpty(9), orEmpty(5));
    assert.equal(found.length, 1, found.join());
    assert.match(found[0]!, /^backward: f may have up to 9 characters/);
    assert.match(ofField(orEmpty(5), { type: 'string', minLength: 2 }).join(), /backward.*""/);
  });

  for (const [name, schema, where] of [
    ['a keyword', { patternProperties: {} }, '/patternProperties'],
    ['a reference', { properties: { a: { $ref: '#/$defs/a' } } }, '/properties/a/$ref'],
    ['a format', { items: { format: 'email' } }, '/items/format'],
    ['several types', { type: ['string', 'null'] }, '/type'],
    ['fields by a rule', { additionalProperties: { type: 'string' } }, '/additionalProperties'],
  ] as const) {
    test(`refuses ${name} that it does not know, on either side, instead of passing over it`, () => {
      const odd = schema as unknown as JsonSchema;
      const refused = (error: unknown) =>
        error instanceof ContractError &&
        error.code === 'unknown_keyword' &&
        error.message.includes(where);
      assert.throws(() => compareSchemas(odd, {}), refused);
      assert.throws(() => compareSchemas({}, odd), refused);
    });
  }
});
