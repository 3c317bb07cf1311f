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
      return fc.double({ min: schema.minimum, max: 1e6, noNaN: true });
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
  return choices.reduce((objects, choice) => objects.chain((o) => chooseOne(o, choice)), object);
}

// Leaves at most one member of a oneof, and at least one where it is required.
function chooseOne(object: JsonObject, choice: JsonSchema): fc.Arbitrary<JsonObject> {
  const names = choice.oneOf?.flatMap((part) => part.required ?? []) ?? [];
  const present = names.filter((name) => name in object);
  if (present.length === 0) return fc.constant(object).filter(() => names.length === 0);
  return fc.constantFrom(...present).map((kept) => {
    const dropped = new Set(names.filter((name) => name !== kept));
    return Object.fromEntries(Object.entries(object).filter(([name]) => !dropped.has(name)));
  });
}

function arbitraryList(schema: JsonSchema): fc.Arbitrary<unknown[]> {
  const items = arbitraryValue(schema.items ?? {});
  const limits = { minLength: schema.minItems ?? 0, maxLength: schema.maxItems ?? 4 };
  return schema.uniqueItems ? fc.uniqueArray(items, limits) : fc.array(items, limits);
}

function integerRange(schema: JsonSchema): { min: number; max: number } {
  return {
    min: schema.minimum ?? (schema.exclusiveMinimum ?? 0) + 1,
    max: schema.maximum ?? (schema.exclusiveMaximum ?? 100) - 1,
  };
}

function arbitraryString(schema: JsonSchema): fc.Arbitrary<string> {
  switch (schema.format) {
    case 'uuid':
      return fc.uuid();
    case 'date-time':
      return arbitraryTime();
    case 'int64':
      return fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String);
    case 'uint64':
      return fc.bigInt(0n, 2n ** 64n - 1n).map(String);
  }
  if (schema.contentEncoding === 'base64') return fc.base64String();
  return arbitraryText(schema);
}

function arbitraryText({ minLength, maxLength = 40, pattern }: JsonSchema): fc.Arbitrary<string> {
  const text = fc.string({ unit: 'grapheme', maxLength }).filter((s) => [...s].length <= maxLength);
  const full = minLength === maxLength ? text.map((s) => s.padEnd(maxLength, 'x')) : text;
  const long = full.map((s) => ([...s].length < (minLength ?? 0) ? s.padEnd(minLength!, 'x') : s));
  if (pattern === undefined) return long;
  const form = new RegExp(pattern, 'u');
  if (form.test('')) return long.filter((s) => form.test(s));
  return fc.stringMatching(form).filter((s) => [...s].length <= maxLength);
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
