/**
 * Messages of the operator as the JSON of `--json`: snake_case names as in the .proto file, every
 * field written out, int64 as a number with all its digits, what is not set as null. docs/json.md
 * lists the shapes.
 */
import {
  type DescEnum,
  type DescField,
  type DescMessage,
  isFieldSet,
  type Message,
  type MessageShape,
  ScalarType,
} from '@bufbuild/protobuf';

export type Json = null | boolean | number | string | RawJson | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

/** Node has these; the compiler's library of this language version does not list them. */
interface ExactJson {
  rawJSON(text: string): RawJson;
  parse(
    text: string,
    reviver: (key: string, value: Json, context: { source: string }) => Json,
  ): Json;
}
/** Stands for a number that JSON.stringify writes as this text. */
interface RawJson {
  readonly rawJSON: string;
}
const exactJson = JSON as unknown as ExactJson;

/** Parses JSON so that JSON.stringify writes each number as it was: none is rounded. */
export function parseExactly(text: string): Json {
  return exactJson.parse(text, (_key, value, { source }) =>
    typeof value === 'number' ? exactJson.rawJSON(source) : value,
  );
}

/** Moments that have not come; an empty text would be no timestamp. */
const MOMENT = /^(at|since)$|_at$/;

/** The JSON of one message. */
export function toJsonShape<S extends DescMessage>(
  schema: S,
  message: MessageShape<S>,
): JsonObject {
  const shape: JsonObject = {};
  for (const field of schema.fields) shape[field.name] = fieldToJson(field, message);
  return shape;
}

function fieldToJson(field: DescField, message: Message): Json {
  const value = (message as unknown as Record<string, unknown>)[field.localName];
  switch (field.fieldKind) {
    case 'list':
      return (value as unknown[]).map((item) => itemToJson(field, item));
    case 'map':
      return Object.fromEntries(
        Object.entries(value as object).map(([key, item]) => [key, itemToJson(field, item)]),
      );
    case 'message':
      return isFieldSet(message, field) ? itemToJson(field, value) : null;
    default:
      return value === '' && MOMENT.test(field.name) ? null : itemToJson(field, value);
  }
}

function itemToJson(field: DescField, item: unknown): Json {
  if (field.message !== undefined) return toJsonShape(field.message, item as Message);
  if (field.enum !== undefined) return enumToJson(field.enum, item as number);
  if (field.scalar === ScalarType.BYTES) return Buffer.from(item as Uint8Array).toString('base64');
  return typeof item === 'bigint' ? exactJson.rawJSON(String(item)) : (item as Json);
}

/** `OUTCOME_APPLIED` of an enum `Outcome` → `applied`. */
function enumToJson({ value: values, sharedPrefix = '' }: DescEnum, item: number): Json {
  const name = values[item]?.name ?? String(item);
  return name.toLowerCase().replace(sharedPrefix, '');
}
