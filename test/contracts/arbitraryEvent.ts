/** Random valid events of a contract, made from its JSON Schema. */
import fc from 'fast-check';
import type { JsonSchema } from '../../link/contracts/jsonSchema.ts';

export type JsonObject = Record<string, unknown>;

export function arbitraryEvent(schema: JsonSchema): fc.Arbitrary<JsonObject> {
  return arbitraryObject(schema);
}

function arbitraryValue(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(arbitraryValue));
  switch (schema.type) {
    case 'object':
      return arbitraryObject(schema);
    case 'array':
      return arbitraryList(schema);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer(integerRange(schema));
    case 'number':
      return fc.double({ min: schema.minimum ?? -1, max: 1e6, noNaN: true });
    default:
      return arbitraryString(schema);
  }
}

function arbitraryObject(schema: JsonSchema): fc.Arbitrary<JsonObject> {
  const members = Object.entries(schema.properties ?? {}).map(([name, property]) => [
    name,
    arbitraryValue(property),
  ]);
  const model: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(members);
  const object: fc.Arbitrary<JsonObject> = fc.record(model, {
    requiredKeys: [...(schema.required ?? [])],
  });
  const choices = schema.allOf ?? [];
  return choices.reduce(chooseOne, object);
}

// Leaves one member of a oneof; none only where the oneof may be empty.
function chooseOne(
  objects: fc.Arbitrary<JsonObject>,
  { oneOf = [] }: JsonSchema,
): fc.Arbitrary<JsonObject> {
  const names = oneOf.flatMap((part) => part.required ?? []);
  const mayBeEmpty = oneOf.some((part) => part.not !== undefined);
  return fc
    .tuple(objects, fc.nat())
    .filter(([object]) => mayBeEmpty || names.some((name) => name in object))
    .map(([object, n]) => {
      const present = names.filter((name) => name in object);
      const kept = present[n % present.length];
      const isKept = (name: string) => name === kept || !names.includes(name);
      return Object.fromEntries(Object.entries(object).filter(([name]) => isKept(name)));
    });
}

function arbitraryList(schema: JsonSchema): fc.Arbitrary<unknown[]> {
  const items = arbitraryValue(schema.items ?? {});
  const limits = { minLength: schema.minItems ?? 0, maxLength: schema.maxItems ?? 4 };
  return schema.uniqueItems ? fc.uniqueArray(items, limits) : fc.array(items, limits);
}

function integerRange(schema: JsonSchema): { min: number; max: number } {
  const above = (schema.exclusiveMinimum ?? -Infinity) + 1;
  const below = (schema.exclusiveMaximum ?? Infinity) - 1;
  return {
    min: Math.max(schema.minimum ?? -Infinity, above),
    max: Math.min(schema.maximum ?? Infinity, below),
  };
}

function arbitraryString(schema: JsonSchema): fc.Arbitrary<string> {
  switch (schema.format) {
    case 'uuid':
      return fc.uuid();
    case 'date-time':
      return arbitraryTime();
    case 'int64':
      return arbitraryLong(schema, -(2n ** 63n), 2n ** 63n - 1n);
    case 'uint64':
      return arbitraryLong(schema, 0n, 2n ** 64n - 1n);
  }
  if (schema.contentEncoding === 'base64') return fc.base64String();
  return arbitraryText(schema);
}

// A required one may not be zero, which JSON Schema says by `not`.
function arbitraryLong({ not }: JsonSchema, min: bigint, max: bigint): fc.Arbitrary<string> {
  return fc
    .bigInt(min, max)
    .map(String)
    .filter((text) => text !== not?.const);
}

function arbitraryText({
  minLength = 0,
  maxLength = 40,
  pattern = '',
}: JsonSchema): fc.Arbitrary<string> {
  const form = new RegExp(pattern, 'u');
  const isFree = form.test('');
  const text = isFree ? fc.string({ unit: 'binary', maxLength }) : fc.stringMatching(form);
  return text
    .map((s) => s + 'x'.repeat(Math.max(0, minLength - [...s].length)))
    .filter((s) => [...s].length <= maxLength && form.test(s));
}

// Spelled in every way that RFC 3339 and protobuf both know.
function arbitraryTime(): fc.Arbitrary<string> {
  const date = fc.date({
    min: new Date('0001-01-02T00:00:00Z'),
    max: new Date('9999-12-30T00:00:00Z'),
    noInvalidDate: true,
  });
  const ending = fc.constantFrom('Z', '+02:00', '-09:30', '.000Z', '.5Z', '.120Z', '.123456789Z');
  return fc.tuple(date, ending).map(([d, end]) => `${d.toISOString().slice(0, 19)}${end}`);
}
