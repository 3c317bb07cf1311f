/**
 * Refuses schemas that say more than the comparison understands: a keyword that it passed over could
 * hide a difference. What is listed here is what the generator writes, and nothing else.
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { ContractError } from './contractError.ts';
import type { JsonSchema } from './jsonSchema.ts';

const text = { type: 'string' };
const count = { type: 'integer', minimum: 0 };
const number = { type: 'number' };
const inner = { $ref: '#' };
const parts = { type: 'array', items: inner, minItems: 1 };

/** The schema of the schemas. Every keyword of `JsonSchema` stands here; the compiler compares. */
const known: Record<keyof JsonSchema, object> = {
  $schema: { const: 'https://json-schema.org/draft/2020-12/schema' },
  title: text,
  description: text,
  type: { enum: ['array', 'boolean', 'integer', 'number', 'object', 'string'] },
  const: {},
  enum: { type: 'array' },
  default: {},
  format: { enum: ['date-time', 'int64', 'uint64', 'uuid'] },
  pattern: text,
  contentEncoding: { const: 'base64' },
  minLength: count,
  maxLength: count,
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  properties: { type: 'object', additionalProperties: inner },
  required: { type: 'array', items: text },
  additionalProperties: { type: 'boolean' },
  items: inner,
  minItems: count,
  maxItems: count,
  uniqueItems: { type: 'boolean' },
  allOf: parts,
  anyOf: parts,
  oneOf: parts,
  not: inner,
};

let compiled: ValidateFunction | undefined;

/** @throws ContractError `unknown_keyword`, with a JSON pointer to what is not understood. */
export function requireKnownKeywords(schema: JsonSchema): void {
  compiled ??= new Ajv2020({ strict: false, validateSchema: false }).compile({
    type: 'object',
    properties: known,
    additionalProperties: false,
  });
  if (!compiled(schema)) throw unknown(schema, compiled.errors![0]!);
}

function unknown(schema: JsonSchema, error: ErrorObject): ContractError {
  const keyword = error.params.additionalProperty;
  const at = keyword === undefined ? error.instancePath : `${error.instancePath}/${keyword}`;
  const what = keyword === undefined ? `the value at ${at || '/'}` : `the keyword at ${at}`;
  const name = schema.title ?? 'the schema';
  return new ContractError(
    'unknown_keyword',
    `${name}: ${what} is not one that schemas are compared by, so nothing can be said about it; ` +
      'express the rule as npm run generate does',
  );
}
