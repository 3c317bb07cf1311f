/** Lengths, counts and ranges that one schema allows and another refuses. */
import type { JsonSchema } from './jsonSchema.ts';

/** A keyword of the reader, and what the writer may do that it forbids. */
export interface RefusedBy {
  readonly keyword: keyof JsonSchema;
  readonly problem: string;
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

export function refusedBounds(writer: JsonSchema, reader: JsonSchema): RefusedBy[] {
  const counted = bounds.flatMap(({ keyword, isUpper, unit }) => {
    const limit = reader[keyword];
    const written = writer[keyword] ?? (isUpper ? Infinity : 0);
    if (limit === undefined || (isUpper ? written <= limit : written >= limit)) return [];
    const may = `may have ${describeAmount(written, isUpper)} ${unit}`;
    return [{ keyword, problem: `${may}, not only ${describeAmount(limit, isUpper)}` }];
  });
  return [...counted, ...refusedLow(writer, reader), ...refusedHigh(writer, reader)];
}

function describeAmount(amount: number, isUpper: boolean): string {
  if (amount === Infinity) return 'any number of';
  return isUpper ? `up to ${amount}` : `${amount} or more`;
}

interface End {
  readonly keyword: keyof JsonSchema;
  readonly value: number;
  readonly isOpen: boolean;
}

function refusedLow(writer: JsonSchema, reader: JsonSchema): RefusedBy[] {
  const low = lowerEnd(writer);
  const limit = lowerEnd(reader);
  if (!isBeyond(-low.value, -limit.value, low, limit)) return [];
  const problem = `may be as low as ${low.value}, not only ${describeEnd(limit, 'above', 'from')}`;
  return [{ keyword: limit.keyword, problem }];
}

function refusedHigh(writer: JsonSchema, reader: JsonSchema): RefusedBy[] {
  const high = upperEnd(writer);
  const limit = upperEnd(reader);
  if (!isBeyond(high.value, limit.value, high, limit)) return [];
  const only = describeEnd(limit, 'below', 'up to');
  return [{ keyword: limit.keyword, problem: `may be as high as ${high.value}, not only ${only}` }];
}

function isBeyond(value: number, limit: number, end: End, limitEnd: End): boolean {
  return value > limit || (value === limit && !end.isOpen && limitEnd.isOpen);
}

function describeEnd({ value, isOpen }: End, open: string, closed: string): string {
  return `${isOpen ? open : closed} ${value}`;
}

function lowerEnd({ minimum = -Infinity, exclusiveMinimum = -Infinity }: JsonSchema): End {
  return exclusiveMinimum >= minimum && exclusiveMinimum !== -Infinity
    ? { keyword: 'exclusiveMinimum', value: exclusiveMinimum, isOpen: true }
    : { keyword: 'minimum', value: minimum, isOpen: false };
}

function upperEnd({ maximum = Infinity, exclusiveMaximum = Infinity }: JsonSchema): End {
  return exclusiveMaximum <= maximum && exclusiveMaximum !== Infinity
    ? { keyword: 'exclusiveMaximum', value: exclusiveMaximum, isOpen: true }
    : { keyword: 'maximum', value: maximum, isOpen: false };
}
