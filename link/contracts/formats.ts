/** Checks that a schema's pattern cannot express, for values that already match it. */

const int64Limits = { lowest: -(2n ** 63n), highest: 2n ** 63n - 1n };
const uint64Limits = { lowest: 0n, highest: 2n ** 64n - 1n };

/** Any number with this many digits fits into 64 bits. */
const safeDigits = 18;

export function isInt64(text: string): boolean {
  return text.length <= safeDigits || isWithin(text, int64Limits);
}

export function isUint64(text: string): boolean {
  return text.length <= safeDigits || isWithin(text, uint64Limits);
}

/**
 * Whether a time in RFC 3339 form exists: no 30 February, and within the years 1 to 9999 even after
 * its offset is applied, which is what a protobuf Timestamp can hold.
 */
export function isRealTime(text: string): boolean {
  const day = Number(text.slice(8, 10));
  if (day > 28 && day > daysInMonth(Number(text.slice(0, 4)), Number(text.slice(5, 7)))) {
    return false;
  }
  return text.endsWith('Z') || isWithinTimestamp(Date.parse(text));
}

function isWithin(text: string, limits: typeof int64Limits): boolean {
  try {
    const value = BigInt(text);
    return value >= limits.lowest && value <= limits.highest;
  } catch {
    return false;
  }
}

// Not Date.UTC(year, month, 0), which reads the years 0 to 99 as 1900 to 1999.
function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function isLeapYear(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

const earliestMs = Date.parse('0001-01-01T00:00:00Z');
const latestMs = Date.parse('9999-12-31T23:59:59.999Z');

function isWithinTimestamp(ms: number): boolean {
  return ms >= earliestMs && ms <= latestMs;
}
