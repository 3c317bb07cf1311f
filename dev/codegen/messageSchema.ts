/**
 * Turns a protobuf message with protovalidate rules into a JSON Schema that accepts exactly what
 * ProtoJSON writes for it (implicit values included, snake_case names). A rule that JSON Schema
 * cannot express stops the generation, so that no schema accepts more than its contract.
 */
import { type DescField, type DescMessage, getOption, hasOption } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { getComments } from '@bufbuild/protoplugin';
import {
  type FieldRules,
  field as fieldRulesOption,
  Ignore,
  message as messageRulesOption,
  oneof as oneofRulesOption,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import type { JsonSchema } from '../../link/contracts/jsonSchema.ts';
import { enumSchema } from './enumSchema.ts';
import type { EventMessage } from './events.ts';
import { applyRules, nonZero, UnsupportedRule } from './rules.ts';
import { scalarSchema, wellKnownSchema, zeroOf } from './types.ts';

/**
 * The JSON Schema of one event version.
 *
 * @throws UnsupportedRule, naming the field, for what JSON Schema cannot express.
 */
export function eventSchema({ event, version, message }: EventMessage): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `${event} v${version}`,
    ...objectSchema(message, []),
  };
}

function objectSchema(message: DescMessage, outer: readonly DescMessage[]): JsonSchema {
  if (outer.includes(message)) throw new UnsupportedRule(message.typeName, 'a recursive message');
  const fields = [...message.fields].sort((a, b) => a.number - b.number);
  const properties: Record<string, JsonSchema> = {};
  for (const field of fields) {
    assertJsonName(field);
    properties[field.name] = propertySchema(field, [...outer, message]);
  }
  const choices = [...oneofChoices(message), ...messageRuleChoices(message)];
  return {
    ...described(message),
    type: 'object',
    properties,
    required: fields.filter(isRequired).map((field) => field.name),
    additionalProperties: false,
    ...(choices.length > 0 && { allOf: choices }),
  };
}

function propertySchema(field: DescField, outer: readonly DescMessage[]): JsonSchema {
  const rules = rulesOf(field);
  const bare = typeSchema(field, outer, rules);
  if (rules.ignore === Ignore.ALWAYS) return { ...described(field), ...bare };
  let ruled = applyRules(field.toString(), bare, rules);
  if (rules.required && hasImplicitPresence(field)) ruled = nonZero(ruled);
  if (rules.ignore === Ignore.IF_ZERO_VALUE) {
    return { ...described(field), anyOf: [{ const: zeroOf(field) }, ruled] };
  }
  return { ...described(field), ...ruled };
}

function typeSchema(
  field: DescField,
  outer: readonly DescMessage[],
  rules: FieldRules,
): JsonSchema {
  switch (field.fieldKind) {
    case 'list':
      return listSchema(field, outer, rules);
    case 'map':
      throw new UnsupportedRule(`${field}`, 'a map');
    default:
      return valueSchema(field, outer, rules);
  }
}

interface Valued {
  scalar?: unknown;
  enum?: unknown;
  message?: unknown;
}

function valueSchema(
  field: DescField & Valued,
  outer: readonly DescMessage[],
  rules: FieldRules | undefined,
): JsonSchema {
  if (field.message) {
    return wellKnownSchema(field.message.typeName) ?? objectSchema(field.message, outer);
  }
  if (field.enum) return enumSchema(field.enum, rules);
  return scalarSchema(field.scalar!);
}

function listSchema(
  field: DescField & { fieldKind: 'list' },
  outer: readonly DescMessage[],
  rules: FieldRules,
): JsonSchema {
  const itemRules = rules.type.case === 'repeated' ? rules.type.value.items : undefined;
  const item = valueSchema(field, outer, itemRules);
  const items = itemRules ? applyRules(`${field} items`, item, itemRules) : item;
  return { type: 'array', items, default: [] };
}

function rulesOf(field: DescField): FieldRules {
  return getOption(field, fieldRulesOption);
}

function hasImplicitPresence(field: DescField): boolean {
  return (
    (field.fieldKind === 'scalar' || field.fieldKind === 'enum') &&
    field.presence === FeatureSet_FieldPresence.IMPLICIT
  );
}

// ProtoJSON with implicit values always writes these, so a missing one is an error. Lists may be
// left out: they are empty by default.
function isRequired(field: DescField): boolean {
  return rulesOf(field).required || hasImplicitPresence(field);
}

function oneofChoices(message: DescMessage): JsonSchema[] {
  return message.oneofs.map((oneof) =>
    choice(
      oneof.fields.map((field) => field.name),
      getOption(oneof, oneofRulesOption).required,
    ),
  );
}

function messageRuleChoices(message: DescMessage): JsonSchema[] {
  if (!hasOption(message, messageRulesOption)) return [];
  const rules = getOption(message, messageRulesOption);
  if (rules.cel.length > 0 || rules.celExpression.length > 0) {
    throw new UnsupportedRule(message.typeName, 'a CEL rule');
  }
  return rules.oneof.map((rule) => choice(rule.fields, rule.required));
}

function choice(names: readonly string[], isOneRequired: boolean): JsonSchema {
  const present: JsonSchema[] = names.map((name) => ({ required: [name] }));
  return { oneOf: isOneRequired ? present : [...present, { not: { anyOf: present } }] };
}

function assertJsonName(field: DescField): void {
  if (field.jsonName !== field.name) {
    throw new Error(`${field}: add json_name = "${field.name}": events use snake_case in JSON`);
  }
}

function described(desc: DescField | DescMessage): JsonSchema {
  const text = getComments(desc)
    .leading?.trim()
    .replaceAll(/\s*\n\s*/g, ' ');
  if (text) return { description: text };
  return { title: desc.name };
}
