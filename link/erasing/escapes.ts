/**
 * Texts with escapes of JSON in them, maybe of JSON in JSON: `Ada\nLovelace` are two words, though it
 * reads like `nLovelace`.
 */
const PIECES = /\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])|[^\\]+|\\/g;
const BREAKS = /^\\[bfnrt]$/;

/** A text as it is, then with its escapes undone, again and again until there are none. */
export function* readingsOf(text: string): Generator<string> {
  yield text;
  const undone = text.includes('\\') ? splitEscapes(text).map(undoEscape).join('') : text;
  if (undone !== text) yield* readingsOf(undone);
}

/** Each escape is a piece of its own. */
export function splitEscapes(text: string): string[] {
  return text.match(PIECES) ?? [];
}

/** What a piece stands for: escaped white space is a space. */
export function undoEscape(piece: string): string {
  if (piece.length < 2 || piece[0] !== '\\') return piece;
  if (BREAKS.test(piece)) return ' ';
  return piece[1] === 'u' ? String.fromCharCode(Number.parseInt(piece.slice(2), 16)) : piece[1]!;
}
