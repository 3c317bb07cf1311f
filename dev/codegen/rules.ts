/** How to write each protovalidate rule in JSON Schema, where that is possible. */
import { isFieldSet, type Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import {
  type FieldRules,
  FieldRulesSchema,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import type { JsonSchema } from '../../link/contracts/jsonSchema.ts';

/** A contract uses a rule that JSON Schema cannot express. */
export class UnsupportedRule extends Error {
  constructor(where: string, rule: string) {
    super(`${where}: ${rule} has no equivalent in JSON Schema; use another rule`);
    this.name = 'UnsupportedRule';
  }
}

type Keywords = (value: never) => JsonSchema;
type Table = Record<string, Keywords>;

const uuidPattern = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';

const strings: Table = {
  const: (value: string) => ({ const: value }),
  len: (n: bigint) => ({ minLength: Number(n), maxLength: Number(n) }),
  min_len: (n: bigint) => ({ minLength: Number(n) }),
  max_len: (n: bigint) => ({ maxLength: Number(n) }),
  pattern: (pattern: string) => ({ pattern: new RegExp(pattern, 'u').source }),
  prefix: (text: string) => ({ pattern: `^${escapePattern(text)}` }),
  suffix: (text: string) => ({ pattern: `${escapePattern(text)}$` }),
  contains: (text: string) => ({ pattern: escapePattern(text) }),
  not_contains: (text: string) => ({ not: { pattern: escapePattern(text) } }),
  in: (values: string[]) => ({ enum: values }),
  not_in: (values: string[]) => ({ not: { enum: values } }),
  uuid: (on: boolean) => (on ? { format: 'uuid', pattern: uuidPattern } : {}),
};

const numbers: Table = {
  const: (value: number) => ({ const: value }),
  lt: (value: number) => ({ exclusiveMaximum: value }),
  lte: (value: number) => ({ maximum: value }),
  gt: (value: number) => ({ exclusiveMinimum: value }),
  gte: (value: number) => ({ minimum: value }),
  in: (values: number[]) => ({ enum: values }),
  not_in: (values: number[]) => ({ not: { enum: values } }),
};

// As strings they can be compared for equality only.
const longs: Table = {
  const: (value: bigint) => ({ const: String(value) }),
  in: (values: bigint[]) => ({ enum: values.map(String) }),
  not_in: (values: bigint[]) => ({ not: { enum: values.map(String) } }),
};

const floats: Table = { ...numbers, finite: (on: boolean) => (on ? { type: 'number' } : {}) };

const repeated: Table = {
  min_items: (n: bigint) => ({ minItems: Number(n) }),
  max_items: (n: bigint) => ({ maxItems: Number(n) }),
  unique: (on: boolean) => (on ? { uniqueItems: true } : {}),
  items: () => ({}), // in the schema of the list's items
};

// The enum schema lists the names that these rules allow.
const enums: Table = {
  const: () => ({}),
  defined_only: () => ({}),
  in: () => ({}),
  not_in: () => ({}),
};

const bools: Table = { const: (value: boolean) => ({ const: value }) };

const tables: Record<string, Table> = {
  string: strings,
  bool: bools,
  enum: enums,
  repeated,
  float: floats,
  double: floats,
  ...sameTable(['int32', 'sint32', 'sfixed32', 'uint32', 'fixed32'], numbers),
  ...sameTable(['int64', 'sint64', 'sfixed64', 'uint64', 'fixed64'], longs),
};

/**
 * The schema with the field's rules written into it.
 *
 * @throws UnsupportedRule naming `where` and the rule.
 */
export function applyRules(where: string, schema: JsonSchema, rules: FieldRules): JsonSchema {
  if (rules.cel.length > 0 || rules.celExpression.length > 0) {
    throw new UnsupportedRule(where, 'a CEL rule');
  }
  if (rules.type.case === undefined) return schema;
  const kind = rules.type.case;
  let result = schema;
  for (const [name, value] of setRules(rules)) {
    const keywords = tables[kind]?.[name];
    if (!keywords) throw new UnsupportedRule(where, `${kind}.${name}`);
    result = withKeywords(result, keywords(value as never));
  }
  assertRange(where, result);
  return result;
}

/** The schema without its type's zero value: what `required` means for a plain scalar. */
export function nonZero(schema: JsonSchema): JsonSchema {
  if (schema.const !== undefined || schema.enum || schema.format === 'uuid') return schema;
  if (schema.format === 'int64' || schema.format === 'uint64') {
    return withKeywords(schema, { not: { const: '0' } });
  }
  if (schema.type === 'string') {
    return { ...schema, minLength: Math.max(1, schema.minLength ?? 0) };
  }
  if (schema.type === 'boolean') return { ...schema, const: true };
  return withKeywords(schema, { not: { const: 0 } });
}

function* setRules(rules: FieldRules): Generator<[name: string, value: unknown]> {
  const desc = FieldRulesSchema.fields.find((field) => field.localName === rules.type.case);
  if (!desc?.message) return;
  const value = rules.type.value as Message;
  const reflected = reflect(desc.message, value);
  for (const field of desc.message.fields) {
    if (!isFieldSet(value, field) || field.name === 'example') continue;
    const set = reflected.get(field);
    yield [field.name, field.fieldKind === 'list' ? [...(set as Iterable<unknown>)] : set];
  }
}

/** Adds keywords: a bound replaces the type's own; any other that is present goes into `allOf`. */
function withKeywords(schema: JsonSchema, added: JsonSchema): JsonSchema {
  if (added.type === 'number') {
    const { anyOf: withoutInfinity, ...others } = schema;
    return { ...others, ...added };
  }
  const isTaken = (['pattern', 'not', 'format'] as const).some(
    (key) => key in added && key in schema,
  );
  if (isTaken) return { ...schema, allOf: [...(schema.allOf ?? []), added] };
  const { minimum, maximum, ...unbound } = schema;
  return 'const' in added || 'enum' in added ? { ...unbound, ...added } : { ...schema, ...added };
}

// gt above lt means "outside of both" to protovalidate.
function assertRange(where: string, schema: JsonSchema): void {
  const low = schema.exclusiveMinimum ?? schema.minimum ?? -Infinity;
  const high = schema.exclusiveMaximum ?? schema.maximum ?? Infinity;
  if (low > high) throw new UnsupportedRule(where, 'a range with its lower end above its upper');
}

function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function sameTable(kinds: string[], table: Table): Record<string, Table> {
  return Object.fromEntries(kinds.map((kind) => [kind, table]));
}
