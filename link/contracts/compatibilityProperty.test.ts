import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareSchemas } from './compatibility.ts';
import type { JsonSchema } from './jsonSchema.ts';
import { validatorOf } from './validator.ts';

const RUNS = 250;
const VALUES = 12;

const uuid = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
const texts = [
  '',
  'a',
  'b',
  'ab',
  'ba',
  'abb',
  'NaN',
  '0',
  '1',
  '-1',
  '0199c0de-0000-7000-8000-000000000001',
];
const numbers = [-2, -1, 0, 1, 2, 0.5, 3];
const names = ['a', 'b', 'c'];

/** Rules that may be added to a schema or taken from it, by the type they are written for. */
const rules: Readonly<Record<string, readonly JsonSchema[]>> = {
  string: [
    ...[0, 1, 2].flatMap((n) => [{ minLength: n }, { maxLength: n }]),
    { pattern: '^a' },
    { pattern: 'b$' },
    { allOf: [{ pattern: 'b$' }] },
    { allOf: [{ pattern: '^a' }, { not: { const: 'ab' } }] },
    { not: { const: '' } },
    { not: { enum: ['a', 'b'] } },
    { not: { pattern: 'a' } },
    { format: 'uuid', pattern: uuid },
    { format: 'int64', pattern: '^(0|-?[1-9][0-9]{0,18})$' },
    { format: 'uint64', pattern: '^(0|[1-9][0-9]{0,19})$' },
    { const: 'ab' },
    { enum: ['a', 'ab', 'b'] },
    { enum: ['', 'a'] },
  ],
  number: [
    ...[-1, 0, 1, 2].flatMap((n) => [
      { minimum: n },
      { maximum: n },
      { exclusiveMinimum: n },
      { exclusiveMaximum: n },
    ]),
    { not: { const: 0 } },
    { const: 1 },
    { enum: [0, 1, 2] },
  ],
  array: [{ minItems: 1 }, { maxItems: 1 }, { uniqueItems: true }, { default: [] }],
  object: [
    { required: ['a'] },
    { required: ['a', 'b'] },
    { additionalProperties: false },
    { allOf: [{ oneOf: [{ required: ['a'] }, { required: ['b'] }] }] },
    {
      allOf: [
        {
          oneOf: [
            { required: ['a'] },
            { required: ['b'] },
            { not: { anyOf: [{ required: ['a'] }, { required: ['b'] }] } },
          ],
        },
      ],
    },
  ],
};

const bare: fc.Arbitrary<JsonSchema> = fc.constantFrom(
  { type: 'string' },
  { type: 'integer' },
  { type: 'number' },
  { type: 'boolean' },
  { anyOf: [{ type: 'number' }, { enum: ['NaN', 'Infinity'] }] },
);

function ruled(schema: JsonSchema): fc.Arbitrary<JsonSchema> {
  const kind = schema.type === 'integer' || schema.anyOf ? 'number' : (schema.type ?? '');
  const known = rules[kind] ?? [];
  return fc
    .subarray([...known], { maxLength: Math.min(2, known.length) })
    .map((added) => Object.assign({}, schema, ...added) as JsonSchema);
}

function orZero(schema: JsonSchema): fc.Arbitrary<JsonSchema> {
  const zero = schema.type === 'string' ? '' : schema.type === 'array' ? [] : 0;
  return fc.constantFrom(schema, schema, schema, { anyOf: [{ const: zero }, schema] });
}

const schemas = fc.letrec<{
  any: JsonSchema;
  object: JsonSchema;
  list: JsonSchema;
  plain: JsonSchema;
}>((tie) => ({
  any: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'schema' },
    tie('plain'),
    tie('list'),
    tie('object'),
  ),
  plain: bare.chain(ruled).chain(orZero),
  list: tie('any')
    .chain((items) => ruled({ type: 'array', items }))
    .chain(orZero),
  object: fc
    .dictionary(fc.constantFrom(...names), tie('any'), { maxKeys: 3, noNullPrototype: true })
    .chain((properties) => ruled({ type: 'object', properties })),
})).any;

/** The schema with one thing changed, somewhere in it. */
function edited(schema: JsonSchema): fc.Arbitrary<JsonSchema> {
  const inside = Object.entries(schema.properties ?? {}).map(([name, property]) =>
    edited(property).map((changed) => ({
      ...schema,
      properties: { ...schema.properties, [name]: changed },
    })),
  );
  const items = schema.items
    ? [edited(schema.items).map((changed) => ({ ...schema, items: changed }))]
    : [];
  const renamed = fc
    .constantFrom(...names)
    .map((name) => ({ ...schema, properties: { [name]: { type: 'string' } } }));
  const without = fc
    .constantFrom('title', ...Object.keys(schema))
    .map((keyword) => ({ ...schema, [keyword]: undefined }))
    .map((one) => JSON.parse(JSON.stringify(one)) as JsonSchema);
  return fc.oneof(
    ruled(schema),
    without,
    ...inside,
    ...items,
    ...(schema.type === 'object' ? [renamed] : []),
  );
}

function valuesOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const listed = [schema, ...(schema.allOf ?? [])].flatMap(({ const: one, enum: all = [] }) => [
    ...(one === undefined ? [] : [one]),
    ...all,
  ]);
  const inner = [...(schema.anyOf ?? [])].map(valuesOf);
  const own = valuesOfType(schema);
  return fc.oneof(own, ...inner, ...(listed.length > 0 ? [fc.constantFrom(...listed)] : []));
}

function valuesOfType(schema: JsonSchema): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'string':
      return fc.constantFrom(...texts);
    case 'integer':
    case 'number':
      return fc.constantFrom(...numbers);
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valuesOf(schema.items ?? {}), { maxLength: 3 });
    case 'object':
      return objectOf(schema);
    default:
      return fc.constantFrom<unknown>(
        ...texts,
        ...numbers,
        true,
        [],
        {},
        ['a'],
        { a: 'a' },
        { d: 1 },
      );
  }
}

function objectOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const fields = [...names, 'd'].map((name) => [name, valuesOf(schema.properties?.[name] ?? {})]);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [], noNullPrototype: true });
}

const cases = schemas
  .chain((older) =>
    fc.tuple(fc.constant(older), fc.oneof(edited(older), edited(older).chain(edited), schemas)),
  )
  .chain(([older, newer]) =>
    fc.record({
      older: fc.constant(older),
      newer: fc.constant(newer),
      values: fc.array(fc.oneof(valuesOf(older), valuesOf(newer)), {
        minLength: VALUES,
        maxLength: VALUES,
      }),
    }),
  );

test('where no finding says otherwise, each reads whatever the other may write', () => {
  let believed = 0;
  fc.assert(
    fc.property(cases, ({ older, newer, values }) => {
      const findings = compareSchemas(older, newer);
      const isOld = validatorOf(older);
      const isNew = validatorOf(newer);
      const clean = (direction: string) => !findings.some((one) => one.direction === direction);
      for (const value of values) {
        const [old, fresh] = [isOld(value).length === 0, isNew(value).length === 0];
        if (old && clean('backward')) assert.ok(fresh, `${JSON.stringify(value)} is refused`);
        if (fresh && clean('forward')) assert.ok(old, `${JSON.stringify(value)} is refused`);
        if ((old && clean('backward')) || (fresh && clean('forward'))) believed += 1;
      }
    }),
    { numRuns: RUNS },
  );
  // Findings on everything would pass, too: a good part must have been read by both.
  assert.ok(believed > RUNS, `only ${believed} values were judged readable`);
});
