/**
 * Whether the readers and writers of two JSON Schemas of one event understand each other. `buf
 * breaking` compares fields and types; it misses a tightened rule, which breaks consumers just the
 * same.
 *
 * Two questions, each asked of every part of the schema:
 *   backward: does the newer schema accept everything that the older one allows?
 *   forward:  does the older schema accept everything that the newer one allows?
 *
 * It errs on the safe side: two patterns with different text count as a problem.
 */
import type { JsonSchema } from './jsonSchema.ts';

/** `backward`: new readers, old events. `forward`: old readers, new events. */
export type Direction = 'backward' | 'forward';

export interface Incompatibility {
  /** Path of the field, such as `payload.first_name`; empty for the event as a whole. */
  readonly field: string;
  /** What the reader does not accept; reads on from the field's name. */
  readonly problem: string;
  readonly direction: Direction;
}

export interface CompareOptions {
  /** Fields to leave out; `['event_version']` when two versions are compared. */
  readonly ignore?: readonly string[];
}

/** All problems in both directions; empty when each can read the other's events. */
export function compareSchemas(
  older: JsonSchema,
  newer: JsonSchema,
  options: CompareOptions = {},
): Incompatibility[] {
  const ignored = new Set(options.ignore);
  return [
    ...named('backward', findRefusals(older, newer, '')),
    ...named('forward', findRefusals(newer, older, '')),
  ].filter(({ field }) => !ignored.has(field));
}

interface Refusal {
  readonly field: string;
  readonly problem: string;
}

function named(direction: Direction, refusals: readonly Refusal[]): Incompatibility[] {
  return refusals.map((refusal) => ({ ...refusal, direction }));
}

/** What one schema allows to be written and the other refuses. */
function findRefusals(writer: JsonSchema, reader: JsonSchema, field: string): Refusal[] {
  const here = [
    ...refusedType(writer, reader),
    ...refusedValues(writer, reader),
    ...refusedBounds(writer, reader),
    ...refusedForm(writer, reader),
    ...refusedChoices(writer, reader),
  ].map((problem) => ({ field, problem }));
  return [...here, ...refusedFields(writer, reader, field), ...refusedItems(writer, reader, field)];
}

function refusedType(writer: JsonSchema, reader: JsonSchema): string[] {
  if (reader.type === undefined || reader.type === writer.type) return [];
  if (reader.type === 'number' && writer.type === 'integer') return [];
  return [`is ${writer.type ?? 'of any type'}, not ${reader.type}`];
}

function refusedValues(writer: JsonSchema, reader: JsonSchema): string[] {
  const readable = listValues(reader);
  if (readable === undefined) return [];
  const written = listValues(writer);
  const allowed = readable.map(toText).join(', ');
  if (written === undefined) return [`may be any value, not only ${allowed}`];
  const known = new Set(readable.map(toText));
  const refused = written.map(toText).filter((value) => !known.has(value));
  return refused.map((value) => `may be ${value}, which is not one of ${allowed}`);
}

function listValues(schema: JsonSchema): readonly unknown[] | undefined {
  return schema.const === undefined ? schema.enum : [schema.const];
}

interface Bound {
  readonly keyword: 'minLength' | 'maxLength' | 'minItems' | 'maxItems';
  readonly isUpper: boolean;
  readonly unit: string;
}

const bounds: readonly Bound[] = [
  { keyword: 'minLength', isUpper: false, unit: 'characters' },
  { keyword: 'maxLength', isUpper: true, unit: 'characters' },
  { keyword: 'minItems', isUpper: false, unit: 'items' },
  { keyword: 'maxItems', isUpper: true, unit: 'items' },
];

function refusedBounds(writer: JsonSchema, reader: JsonSchema): string[] {
  if (listValues(writer)) return refusedListed(writer, reader);
  const counted = bounds.flatMap(({ keyword, isUpper, unit }) => {
    const limit = reader[keyword];
    const written = writer[keyword] ?? (isUpper ? Infinity : 0);
    if (limit === undefined || (isUpper ? written <= limit : written >= limit)) return [];
    return [
      `may have ${describeAmount(written, isUpper)} ${unit}, not only ${describeAmount(limit, isUpper)}`,
    ];
  });
  return [...counted, ...refusedRange(writer, reader)];
}

function describeAmount(amount: number, isUpper: boolean): string {
  if (amount === Infinity) return 'any number of';
  return isUpper ? `up to ${amount}` : `${amount} or more`;
}

// Listed values are checked one by one; bounds beside the list do not matter.
function refusedListed(writer: JsonSchema, reader: JsonSchema): string[] {
  if (listValues(reader)) return [];
  return listValues(writer)!
    .filter((value) => !isWithinBounds(value, reader))
    .map((value) => `may be ${toText(value)}, which is out of bounds`);
}

function isWithinBounds(value: unknown, reader: JsonSchema): boolean {
  if (typeof value === 'string') {
    const length = [...value].length;
    return length >= (reader.minLength ?? 0) && length <= (reader.maxLength ?? Infinity);
  }
  if (typeof value !== 'number') return true;
  const exactly: JsonSchema = { minimum: value, maximum: value };
  return refusedRange(exactly, reader).length === 0;
}

interface End {
  readonly value: number;
  readonly isOpen: boolean;
}

function refusedRange(writer: JsonSchema, reader: JsonSchema): string[] {
  const problems: string[] = [];
  const [low, lowLimit] = [lowerEnd(writer), lowerEnd(reader)];
  if (isBeyond(-low.value, -lowLimit.value, low, lowLimit)) {
    problems.push(
      `may be as low as ${low.value}, not only ${describeEnd(lowLimit, 'above', 'from')}`,
    );
  }
  const [high, highLimit] = [upperEnd(writer), upperEnd(reader)];
  if (isBeyond(high.value, highLimit.value, high, highLimit)) {
    const limit = describeEnd(highLimit, 'below', 'up to');
    problems.push(`may be as high as ${high.value}, not only ${limit}`);
  }
  return problems;
}

function isBeyond(value: number, limit: number, end: End, limitEnd: End): boolean {
  return value > limit || (value === limit && !end.isOpen && limitEnd.isOpen);
}

function describeEnd({ value, isOpen }: End, open: string, closed: string): string {
  return `${isOpen ? open : closed} ${value}`;
}

function lowerEnd({ minimum = -Infinity, exclusiveMinimum = -Infinity }: JsonSchema): End {
  return exclusiveMinimum >= minimum && exclusiveMinimum !== -Infinity
    ? { value: exclusiveMinimum, isOpen: true }
    : { value: minimum, isOpen: false };
}

function upperEnd({ maximum = Infinity, exclusiveMaximum = Infinity }: JsonSchema): End {
  return exclusiveMaximum <= maximum && exclusiveMaximum !== Infinity
    ? { value: exclusiveMaximum, isOpen: true }
    : { value: maximum, isOpen: false };
}

function refusedForm(writer: JsonSchema, reader: JsonSchema): string[] {
  const problems: string[] = [];
  if (reader.format !== undefined && reader.format !== writer.format) {
    problems.push(`has format ${writer.format ?? 'none'}, not ${reader.format}`);
  }
  if (reader.pattern !== undefined && !matches(writer, reader.pattern)) {
    problems.push(`need not match ${reader.pattern}`);
  }
  if (reader.uniqueItems && !writer.uniqueItems) problems.push('may repeat an item');
  return problems;
}

function matches(writer: JsonSchema, pattern: string): boolean {
  if (writer.pattern === pattern || writer.allOf?.some((part) => part.pattern === pattern)) {
    return true;
  }
  const values = listValues(writer);
  const form = new RegExp(pattern, 'u');
  return values?.every((value) => typeof value === 'string' && form.test(value)) ?? false;
}

// Only equality is understood here: whatever the reader requires, the writer must require too.
function refusedChoices(writer: JsonSchema, reader: JsonSchema): string[] {
  const problems: string[] = [];
  const parts = new Set((writer.allOf ?? []).map(toText));
  for (const part of reader.allOf ?? []) {
    const isAsked = parts.has(toText(part)) || isOwnForm(writer, part);
    if (!isAsked) problems.push(`need not satisfy ${toText(part)}`);
  }
  for (const keyword of ['anyOf', 'oneOf', 'not'] as const) {
    const asked = reader[keyword];
    if (asked !== undefined && toText(asked) !== toText(writer[keyword])) {
      problems.push(`need not satisfy ${keyword} ${toText(asked)}`);
    }
  }
  return problems;
}

function isOwnForm(writer: JsonSchema, { pattern, ...others }: JsonSchema): boolean {
  return pattern !== undefined && toText(others) === '{}' && matches(writer, pattern);
}

function refusedFields(writer: JsonSchema, reader: JsonSchema, path: string): Refusal[] {
  if (reader.properties === undefined) return [];
  const refusals: Refusal[] = [];
  for (const [name, written] of Object.entries(writer.properties ?? {})) {
    const readable = reader.properties[name];
    const field = path === '' ? name : `${path}.${name}`;
    if (readable) refusals.push(...findRefusals(written, readable, field));
    else if (reader.additionalProperties === false) {
      refusals.push({ field, problem: 'is not a field of the reader' });
    }
  }
  for (const name of reader.required ?? []) {
    if (writer.required?.includes(name)) continue;
    refusals.push({ field: path === '' ? name : `${path}.${name}`, problem: 'may be missing' });
  }
  return refusals;
}

function refusedItems(writer: JsonSchema, reader: JsonSchema, path: string): Refusal[] {
  if (reader.items === undefined) return [];
  return findRefusals(writer.items ?? {}, reader.items, `${path}[]`);
}

function toText(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}
