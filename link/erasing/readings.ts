/**
 * The ways in which a text may be read: with JSON escapes and percent encoding undone, `camelCase` as
 * words, and fields of JSON without their names, so that what stands in neighbours is read together.
 */

/** What is put in the place of each part of a text that fits the pattern. */
export interface Rewriting {
  readonly pattern: RegExp;
  readonly into: (part: string) => string;
}

const UNDONE: Rewriting = {
  pattern: /\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])|(?:%[0-9a-fA-F]{2})+/g,
  into: undo,
};
/** Between the words of `camelCase` and `ONeill`, and where zero-width spaces are. */
export const WORDS_APART: Rewriting = {
  pattern: /(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|\p{DI}+/gu,
  into: () => ' ',
};
const WITHOUT_FIELD_NAMES: Rewriting = {
  pattern: /"[^"\\]{0,100}"\s*:/g,
  into: () => ' ',
};
const BREAKS = /^\\[bfnrt]$/;
/** Encoded in one another: more would only be work that somebody makes for the reader. */
const DEEPEST = 10;

/** `rewrite` answers undefined when it changes nothing. */
export function* readings<T>(
  text: T,
  rewrite: (text: T, how: Rewriting) => T | undefined,
  depth = 0,
): Generator<T> {
  yield* withWordsApart(text, rewrite);
  const bare = rewrite(text, WITHOUT_FIELD_NAMES);
  if (bare !== undefined) yield* withWordsApart(bare, rewrite);
  const undone = depth < DEEPEST ? rewrite(text, UNDONE) : undefined;
  if (undone !== undefined) yield* readings(undone, rewrite, depth + 1);
}

function* withWordsApart<T>(
  text: T,
  rewrite: (text: T, how: Rewriting) => T | undefined,
): Generator<T> {
  yield text;
  const apart = rewrite(text, WORDS_APART);
  if (apart !== undefined) yield apart;
}

export function rewrite(text: string, { pattern, into }: Rewriting): string | undefined {
  const now = text.replace(pattern, into);
  return now === text ? undefined : now;
}

/** Escaped white space is a space: `Ada\nLovelace` are two words, though it reads like `nLovelace`. */
function undo(part: string): string {
  if (part[0] === '%') return decoded(part);
  if (BREAKS.test(part)) return ' ';
  return part[1] === 'u' ? String.fromCharCode(Number.parseInt(part.slice(2), 16)) : part[1]!;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
