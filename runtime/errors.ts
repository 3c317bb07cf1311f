/**
 * The one shape of errors: a code from a closed list, a sentence that says what, why and what next,
 * and a cause that stays in the process. JavaScript code may throw anything; `toError` and
 * `messageOf` turn that into an error or its text.
 */

/** Its subclasses name their codes; programs decide by class and code, never by the text. */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The value itself when it is an error; otherwise an error that says what was thrown. */
export function toError(value: unknown): Error {
  if (value instanceof Error) return value;
  return new Error(typeof value === 'string' ? value : `not an error: ${describe(value)}`, {
    cause: value,
  });
}

/** The message of what was thrown; for an aggregate, the messages of its parts. */
export function messageOf(value: unknown): string {
  const error = toError(value);
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(messageOf).join('; ');
  return messageWithoutValues(error) || error.name;
}

/** PostgreSQL's data exceptions (class 22) quote the value that they refuse: it may be a name. */
export function messageWithoutValues(error: Error): string {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  const quotes = severity !== undefined && typeof code === 'string' && code.startsWith('22');
  return quotes ? error.message.replace(/".*"/su, '"…"') : error.message;
}

function describe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
