/** How ProtoJSON writes each protobuf type. */
import { type DescField, ScalarType } from '@bufbuild/protobuf';
import type { JsonSchema } from '../../link/contracts/jsonSchema.ts';

const int32: JsonSchema = { type: 'integer', minimum: -2147483648, maximum: 2147483647 };
const uint32: JsonSchema = { type: 'integer', minimum: 0, maximum: 4294967295 };

// 64-bit integers are strings: a JSON number loses digits beyond 2^53. The pattern gives the
// shape, the format the range.
const int64: JsonSchema = {
  type: 'string',
  format: 'int64',
  pattern: '^(0|-?[1-9][0-9]{0,18})$',
};
const uint64: JsonSchema = {
  type: 'string',
  format: 'uint64',
  pattern: '^(0|[1-9][0-9]{0,19})$',
};
const floating: JsonSchema = {
  anyOf: [{ type: 'number' }, { enum: ['NaN', 'Infinity', '-Infinity'] }],
};

const scalars: Record<ScalarType, JsonSchema> = {
  [ScalarType.STRING]: { type: 'string' },
  [ScalarType.BOOL]: { type: 'boolean' },
  [ScalarType.INT32]: int32,
  [ScalarType.SINT32]: int32,
  [ScalarType.SFIXED32]: int32,
  [ScalarType.UINT32]: uint32,
  [ScalarType.FIXED32]: uint32,
  [ScalarType.INT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.UINT64]: uint64,
  [ScalarType.FIXED64]: uint64,
  [ScalarType.FLOAT]: floating,
  [ScalarType.DOUBLE]: floating,
  [ScalarType.BYTES]: {
    type: 'string',
    contentEncoding: 'base64',
    pattern: '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
  },
};

export function scalarSchema(scalar: ScalarType): JsonSchema {
  return scalars[scalar];
}

const timeOfDay = '([01][0-9]|2[0-3]):[0-5][0-9]';

// What protobuf calls RFC 3339: capital T and Z, no leap second, years 1 to 9999.
const timestamp: JsonSchema = {
  type: 'string',
  format: 'date-time',
  pattern:
    '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' +
    `T${timeOfDay}:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]${timeOfDay})$`,
};

// Seconds with up to nine decimals, such as 3.5s.
const duration: JsonSchema = {
  type: 'string',
  pattern: '^-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,9})?s$',
};

/** The schema of a well-known message with a special ProtoJSON form; undefined for others. */
export function wellKnownSchema(typeName: string): JsonSchema | undefined {
  if (typeName === 'google.protobuf.Timestamp') return timestamp;
  if (typeName === 'google.protobuf.Duration') return duration;
  if (typeName.startsWith('google.protobuf.')) {
    throw new Error(`${typeName}: events may use only Timestamp and Duration`);
  }
  return undefined;
}

/** What ProtoJSON writes for a field that was never set. */
export function zeroOf(field: DescField): unknown {
  if (field.fieldKind === 'enum') return field.enum.values[0]?.name;
  if (field.fieldKind === 'list') return [];
  const schema = field.fieldKind === 'scalar' ? scalarSchema(field.scalar) : {};
  if (schema === int64 || schema === uint64) return '0';
  if (schema.type === 'string') return '';
  return schema.type === 'boolean' ? false : 0;
}
