/** What JavaScript throws may be anything; these make an `Error` of it, or the text a person reads. */

/** The value itself when it is an error; otherwise an error that says what was thrown. */
export function toError(value: unknown): Error {
  if (value instanceof Error) return value;
  return new Error(typeof value === 'string' ? value : `not an error: ${describe(value)}`, {
    cause: value,
  });
}

/** The message of what was thrown; a joined error says what each of its parts says. */
export function messageOf(value: unknown): string {
  const error = toError(value);
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(messageOf).join('; ');
  return error.message || error.name;
}

function describe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
