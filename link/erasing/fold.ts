/** The one form in which phrases and texts are compared. */

const ASCII = /^[\0-\x7f]*$/;
const IGNORED = /\p{DI}/gu;
/** Letters by their category that people use for an apostrophe. */
const APOSTROPHES = /[\u02b9-\u02bf\u02c8]/g;

/**
 * Without case, as Unicode folds it and more (`ß` is `ss`, `İ` and `ı` are `i`), in NFKC, without what
 * has no width.
 */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  const normal = text.replace(IGNORED, '').normalize('NFKC');
  const folded = normal.toLowerCase().toUpperCase().toLowerCase().normalize('NFKC');
  return folded
    .replaceAll('i\u0307', 'i')
    .replaceAll('ς', 'σ')
    .replace(APOSTROPHES, "'")
    .replace(IGNORED, '');
}
