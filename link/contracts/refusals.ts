/**
 * What one schema allows to be written and another refuses to read. Where two rules cannot be
 * compared (two patterns, two choices) they must be equal: an answer of "nothing is refused" is
 * always true, a refusal may be one that no real event meets.
 */
import { isDeepStrictEqual } from 'node:util';
import { type RefusedBy, refusedBounds } from './bounds.ts';
import type { JsonSchema } from './jsonSchema.ts';
import { type Problem, validatorOf } from './validator.ts';

export interface Refusal {
  /** Path of the field, such as `payload.first_name`; empty for the event as a whole. */
  readonly field: string;
  /** JSON pointer to the rule of the reader that refuses. */
  readonly pointer: string;
  /** What the reader does not accept; reads on from the field's name. */
  readonly problem: string;
}

interface Place {
  readonly field: string;
  readonly pointer: string;
}

const whole: Place = { field: '', pointer: '' };

export function findRefusals(writer: JsonSchema, reader: JsonSchema, place = whole): Refusal[] {
  const [written, read] = [withoutWords(writer), withoutWords(reader)];
  if (isDeepStrictEqual(written, read)) return [];
  if (written.anyOf) return distinct(alternatives(written), read, place);
  const values = listValues(written);
  if (values) return refusedValues(written, values, read, place);
  const wrongType = refusedType(written, read);
  if (wrongType.length > 0) return wrongType.map((refused) => at(place, refused));
  const here = [
    ...refusedList(read),
    ...refusedBounds(written, read),
    ...refusedForm(written, read),
    ...refusedExclusion(written, read),
  ].map((refused) => at(place, refused));
  return [
    ...here,
    ...refusedChoices(written, read, place),
    ...refusedFields(written, read, place),
    ...refusedItems(written, read, place),
  ];
}

function at({ field, pointer }: Place, { keyword, problem }: RefusedBy): Refusal {
  return { field, pointer: `${pointer}/${keyword}`, problem };
}

/** Without what is for people and changes no answer. */
function withoutWords({ title, description, $schema, default: _, ...rules }: JsonSchema) {
  return rules as JsonSchema;
}

/**
 * Each alternative with the rules around it, which are left away where both cannot stand in one
 * schema: fields that the alternative does not name would seem to be forbidden.
 */
function alternatives({ anyOf = [], ...around }: JsonSchema): JsonSchema[] {
  const namesFields = 'properties' in around || 'additionalProperties' in around;
  return anyOf.map((one) => (namesFields ? one : { ...around, ...one }));
}

function distinct(writers: JsonSchema[], reader: JsonSchema, place: Place): Refusal[] {
  const all = writers.flatMap((writer) => findRefusals(writer, reader, place));
  return [...new Map(all.map((refusal) => [refusal.pointer + refusal.problem, refusal])).values()];
}

function refusedType(writer: JsonSchema, reader: JsonSchema): RefusedBy[] {
  if (reader.type === undefined || reader.type === writer.type) return [];
  if (reader.type === 'number' && writer.type === 'integer') return [];
  const problem = `is ${writer.type ?? 'of any type'}, not ${reader.type}`;
  return [{ keyword: 'type', problem }];
}

function listValues(schema: JsonSchema): readonly unknown[] | undefined {
  return schema.const === undefined ? schema.enum : [schema.const];
}

// Listed values are tried one by one: what else the writer's schema says only takes some away.
function refusedValues(
  writer: JsonSchema,
  values: readonly unknown[],
  reader: JsonSchema,
  place: Place,
): Refusal[] {
  const findProblems = validatorOf(reader);
  const keyword = (['const', 'enum', 'not', 'type'] as const).find((one) => one in reader);
  return values
    .filter((value) => accepts(writer, value))
    .flatMap((value) => {
      const [problem] = findProblems(value);
      if (problem === undefined) return [];
      return [at(place, { keyword: keyword ?? 'type', problem: describeValue(value, problem) })];
    });
}

function describeValue(value: unknown, { message }: Problem): string {
  return `may be ${JSON.stringify(value)}, which ${message}`;
}

function accepts(schema: JsonSchema, value: unknown): boolean {
  return validatorOf(schema)(value).length === 0;
}

function refusedList(reader: JsonSchema): RefusedBy[] {
  const readable = listValues(reader);
  if (readable === undefined) return [];
  const allowed = readable.map((value) => JSON.stringify(value)).join(', ');
  const keyword = reader.const === undefined ? 'enum' : 'const';
  return [{ keyword, problem: `may be any value, not only ${allowed}` }];
}

function refusedForm(writer: JsonSchema, reader: JsonSchema): RefusedBy[] {
  const refused: RefusedBy[] = [];
  const own = [writer, ...(writer.allOf ?? [])];
  for (const keyword of ['format', 'pattern', 'contentEncoding'] as const) {
    const asked = reader[keyword];
    if (asked === undefined || own.some((part) => part[keyword] === asked)) continue;
    const has = writer[keyword] === undefined ? 'none' : writer[keyword];
    refused.push({ keyword, problem: `need not have the ${keyword} ${asked} (has ${has})` });
  }
  if (reader.uniqueItems && !writer.uniqueItems)
    refused.push({ keyword: 'uniqueItems', problem: 'may repeat an item' });
  return refused;
}

function refusedExclusion(writer: JsonSchema, reader: JsonSchema): RefusedBy[] {
  const { not } = reader;
  if (not === undefined) return [];
  if ([writer, ...(writer.allOf ?? [])].some((part) => isDeepStrictEqual(part.not, not))) return [];
  const values = Object.keys(not).length === 1 ? listValues(not) : undefined;
  const problem = `need not keep from ${JSON.stringify(not)}`;
  if (values === undefined) return [{ keyword: 'not', problem }];
  return values
    .filter((value) => accepts(writer, value))
    .map((value) => ({ keyword: 'not', problem: `may be ${JSON.stringify(value)}` }));
}

function refusedChoices(writer: JsonSchema, reader: JsonSchema, place: Place): Refusal[] {
  const own = writer.allOf ?? [];
  const parts = (reader.allOf ?? []).flatMap((part, i) => {
    if (own.some((one) => isDeepStrictEqual(one, part))) return [];
    return findRefusals(writer, part, { ...place, pointer: `${place.pointer}/allOf/${i}` });
  });
  return [...parts, ...refusedAny(writer, reader, place), ...refusedOne(writer, reader, place)];
}

/**
 * Some alternative must take everything; the one that refuses least says why none does. Of equal
 * ones the last: the empty value stands first.
 */
function refusedAny(writer: JsonSchema, reader: JsonSchema, place: Place): Refusal[] {
  const tried = (reader.anyOf ?? []).map((one, i) =>
    findRefusals(writer, one, { ...place, pointer: `${place.pointer}/anyOf/${i}` }),
  );
  return tried.reduce((least, one) => (one.length <= least.length ? one : least), tried[0] ?? []);
}

function refusedOne(writer: JsonSchema, reader: JsonSchema, place: Place): Refusal[] {
  const { oneOf } = reader;
  if (oneOf === undefined || isDeepStrictEqual(oneOf, writer.oneOf)) return [];
  const problem = `need not satisfy oneOf ${JSON.stringify(oneOf)}`;
  return [at(place, { keyword: 'oneOf', problem })];
}

function refusedFields(writer: JsonSchema, reader: JsonSchema, place: Place): Refusal[] {
  const isOpen = writer.additionalProperties !== false;
  const isClosed = reader.additionalProperties === false;
  const refusals: Refusal[] = [];
  if (isOpen && isClosed)
    refusals.push(at(place, { keyword: 'additionalProperties', problem: 'may have any field' }));
  for (const [name, written] of Object.entries(writer.properties ?? {})) {
    const readable = reader.properties?.[name];
    const { field } = within(place, name);
    const pointer = `${place.pointer}/additionalProperties`;
    if (readable) refusals.push(...findRefusals(written, readable, within(place, name)));
    else if (isClosed) refusals.push({ field, pointer, problem: 'is not a field of the reader' });
  }
  const unnamed = Object.entries(reader.properties ?? {}).filter(
    ([name]) => isOpen && !Object.hasOwn(writer.properties ?? {}, name),
  );
  for (const [name, readable] of unnamed)
    refusals.push(...findRefusals({}, readable, within(place, name)));
  return [...refusals, ...refusedAbsence(writer, reader, place)];
}

function refusedAbsence(writer: JsonSchema, reader: JsonSchema, place: Place): Refusal[] {
  return (reader.required ?? [])
    .filter((name) => !writer.required?.includes(name))
    .map((name) => ({
      field: within(place, name).field,
      pointer: `${place.pointer}/required`,
      problem: 'may be missing',
    }));
}

function within({ field, pointer }: Place, name: string): Place {
  const escaped = name.replaceAll('~', '~0').replaceAll('/', '~1');
  return {
    field: field === '' ? name : `${field}.${name}`,
    pointer: `${pointer}/properties/${escaped}`,
  };
}

function refusedItems(writer: JsonSchema, reader: JsonSchema, place: Place): Refusal[] {
  if (reader.items === undefined) return [];
  const items = { field: `${place.field}[]`, pointer: `${place.pointer}/items` };
  return findRefusals(writer.items ?? {}, reader.items, items);
}
