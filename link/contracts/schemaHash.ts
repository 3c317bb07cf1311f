/**
 * One hash for schemas that say the same: whatever the order of their keywords, and whatever words
 * explain them to people.
 */
import { hash } from 'node:crypto';
import type { JsonSchema } from './jsonSchema.ts';

/** SHA-256 in hex. */
export function schemaHash(schema: JsonSchema): string {
  return hash('sha256', JSON.stringify(ruleOf(schema)));
}

function ruleOf({ title, description, $schema, ...rules }: JsonSchema): unknown {
  const { properties, items, not, allOf, anyOf, oneOf, required, ...plain } = rules;
  const fields = Object.entries(properties ?? {}).map(([name, one]) => [name, ruleOf(one)]);
  return sorted({
    ...plain,
    ...(properties && { properties: sorted(Object.fromEntries(fields)) }),
    ...(required && { required: [...required].sort() }),
    ...(items && { items: ruleOf(items) }),
    ...(not && { not: ruleOf(not) }),
    ...(allOf && { allOf: allOf.map(ruleOf) }),
    ...(anyOf && { anyOf: anyOf.map(ruleOf) }),
    ...(oneOf && { oneOf: oneOf.map(ruleOf) }),
  });
}

function sorted(object: object): object {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
