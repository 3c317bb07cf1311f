/** Every way to spoil a valid event so that its contract must refuse it. */
import type { JsonSchema } from '../../link/contracts/jsonSchema.ts';
import type { JsonObject } from './arbitraryEvent.ts';

export interface Spoiled {
  /** What was done to it. */
  readonly how: string;
  /** Path of the field that must be named. */
  readonly field: string;
  readonly event: JsonObject;
}

/** One spoiled copy per rule that the event's values are under. */
export function spoil(schema: JsonSchema, event: JsonObject): Spoiled[] {
  return [...spoilObject(schema, event, [])].map(({ how, path, value }) => ({
    how,
    field: path.join('.'),
    event: withValue(event, path, value) as JsonObject,
  }));
}

type Path = readonly string[];
type Change = { how: string; path: Path; value: unknown };

const removed = Symbol('removed');

function* spoilObject(schema: JsonSchema, object: JsonObject, path: Path): Generator<Change> {
  yield { how: 'has an unknown property', path: [...path, 'surprise'], value: 1 };
  for (const name of schema.required ?? []) {
    yield { how: 'lacks a field', path: [...path, name], value: removed };
  }
  for (const [name, value] of Object.entries(object)) {
    const property = schema.properties![name]!;
    yield* spoilValue(property, value, [...path, name]);
  }
}

function* spoilValue(schema: JsonSchema, value: unknown, path: Path): Generator<Change> {
  for (const wrong of wrongTypes(schema)) {
    yield { how: `is of another type (${JSON.stringify(wrong)})`, path, value: wrong };
  }
  for (const [how, wrong] of wrongValues(schema)) yield { how, path, value: wrong };
  if (schema.type === 'object') yield* spoilObject(schema, value as JsonObject, path);
  if (schema.type !== 'array') return;
  for (const [i, item] of (value as unknown[]).entries()) {
    yield* spoilValue(schema.items!, item, [...path, String(i)]);
  }
}

function wrongTypes({ type, anyOf }: JsonSchema): unknown[] {
  const all = [null, ...(anyOf ? [] : ['text', 1.5]), true, ['a'], { a: 1 }];
  const fitting: Record<string, (value: unknown) => boolean> = {
    string: (value) => typeof value === 'string',
    boolean: (value) => typeof value === 'boolean',
    number: (value) => typeof value === 'number',
    array: Array.isArray,
  };
  return all.filter((value) => !fitting[type ?? '']?.(value));
}

function* wrongValues(schema: JsonSchema): Generator<[how: string, value: unknown]> {
  const { maxLength, minLength, maxItems, format } = schema;
  if (typeof schema.const === 'number') yield ['is another constant', schema.const + 1];
  if (typeof schema.const === 'string') yield ['is another constant', `${schema.const}x`];
  if (schema.enum) yield ['is no listed value', 'unlisted'];
  if (maxLength !== undefined) yield ['is too long', 'x'.repeat(maxLength + 1)];
  if (minLength) yield ['is too short', 'x'.repeat(minLength - 1)];
  if (maxItems !== undefined) yield ['has too many items', Array(maxItems + 1).fill(null)];
  if (format) yield* wrongForms[format]!.map((text): [string, string] => [`is ${text}`, text]);
}

const wrongForms: Record<string, string[]> = {
  uuid: [
    '',
    'no-uuid',
    'urn:uuid:018f0000-0000-7000-8000-000000000000',
    '018f00000000700080000000',
  ],
  'date-time': [
    '',
    'yesterday',
    '2026-02-30T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01t00:00:00z',
    '2026-01-01T00:00:60Z',
    '2026-01-01',
    '0001-01-01T00:00:00+01:00',
  ],
  int64: ['', '1.5', '01', '9223372036854775808', '-9223372036854775809', '1e3'],
  uint64: ['', '-1', '18446744073709551616'],
};

function withValue(node: unknown, [head, ...rest]: Path, value: unknown): unknown {
  if (head === undefined) return value;
  const copy = Array.isArray(node) ? [...node] : { ...(node as JsonObject) };
  const inner = withValue((node as JsonObject)[head], rest, value);
  if (inner === removed) delete (copy as JsonObject)[head];
  else (copy as JsonObject)[head] = inner;
  return copy;
}
