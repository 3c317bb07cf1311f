/**
 * Array types, told to the driver instead of fetched by it. The driver's own look-up costs every
 * new connection a round trip, and if the connection is cut at that moment, nobody catches the
 * error and it ends the process (postgres 3.4.9).
 *
 * Source of the numbers: pg_type.dat of PostgreSQL; they are fixed for built-in types.
 */
import type { Sql } from 'postgres';
import type { Amounts } from './postgresErrors.ts';

/** element type → array type */
const ARRAY_TYPES: Record<number, number> = {
  16: 1000, // bool
  17: 1001, // bytea
  20: 1016, // int8
  21: 1005, // int2
  23: 1007, // int4
  25: 1009, // text
  26: 1028, // oid
  114: 199, // json
  700: 1021, // float4
  701: 1022, // float8
  1042: 1014, // bpchar
  1043: 1015, // varchar
  1082: 1182, // date
  1114: 1115, // timestamp
  1184: 1185, // timestamptz
  1700: 1231, // numeric
  2950: 2951, // uuid
  3802: 3807, // jsonb
};

type Codec = (value: unknown) => unknown;

/** The parts of the driver's options that its own look-up fills in. */
interface DriverTypes {
  parsers: Record<number, Codec | undefined>;
  serializers: Record<number, Codec | undefined>;
  shared: { typeArrayMap: Record<number, number> };
}

/** Makes the pool read and write arrays of the built-in types. */
export function declareArrayTypes(sql: Sql<Amounts>): void {
  const { parsers, serializers, shared } = sql.options as unknown as DriverTypes;
  for (const [element, array] of Object.entries(ARRAY_TYPES)) {
    const elementType = Number(element);
    // Looked up at use: drizzle replaces element parsers later.
    parsers[array] = (text) =>
      parseArray(String(text), (one) => parsers[elementType]?.(one) ?? one);
    serializers[array] = (value) =>
      formatArray(value, (one) => serializers[elementType]?.(one) ?? one);
    shared.typeArrayMap[elementType] = array;
  }
}

/** JavaScript array → PostgreSQL array text. Anything else is passed through. */
export function formatArray(value: unknown, format: Codec): unknown {
  if (!Array.isArray(value)) return value;
  return `{${value.map((item) => formatItem(item, format)).join(',')}}`;
}

/** Most items of a batch are numbers and ids: only what needs quotes or escapes pays for them. */
function formatItem(item: unknown, format: Codec): unknown {
  if (item === null || item === undefined) return 'NULL';
  if (Array.isArray(item)) return formatArray(item, format);
  const formatted = format(item);
  if (typeof formatted === 'number') return formatted;
  const text = String(formatted);
  return NEEDS_ESCAPE.test(text) ? `"${text.replace(ESCAPED, '\\$&')}"` : `"${text}"`;
}

const NEEDS_ESCAPE = /[\\"]/;
const ESCAPED = /[\\"]/g;

/** PostgreSQL array text → (nested) JavaScript array; NULL elements become null. */
export function parseArray(text: string, parse: Codec): unknown[] {
  const root: unknown[] = [];
  const open = [root];
  // One element, quoted or bare, or one brace. A leading [2:3]= (own lower bound) is skipped.
  const tokens = text.replace(/^[^{]*=/, '').matchAll(/"((?:[^"\\]|\\.)*)"|[{}]|[^{},"]+/gs);
  for (const [token, quoted] of tokens) {
    const current = open.at(-1)!;
    if (token === '{') {
      const nested: unknown[] = [];
      current.push(nested);
      open.push(nested);
    } else if (token === '}') open.pop();
    else if (quoted !== undefined) current.push(parse(quoted.replace(/\\(.)/gs, '$1')));
    else current.push(token === 'NULL' ? null : parse(token));
  }
  return root[0] as unknown[];
}
