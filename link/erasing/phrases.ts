/**
 * Finds words in texts by salted hashes, so that who looks for a name need not be told it: whoever
 * has the names sends hashes, whoever has the texts hashes every run of words in them.
 */
import { hash } from 'node:crypto';

/** Words as people compare them: by letters, marks and digits of any alphabet, without case. */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}'’]+/gu) ?? []
  );
}

/** The hash by which a phrase is looked for. */
export function hashPhrase(salt: string, words: readonly string[]): string {
  return hash('sha256', `${salt}\0${words.join(' ')}`, 'base64');
}

/** Whether a run of at most `longest` words of the text has one of the hashes. */
export function holdsPhrase(
  text: string,
  { salt, hashes, longest }: { salt: string; hashes: ReadonlySet<string>; longest: number },
): boolean {
  const words = wordsOf(text);
  for (let from = 0; from < words.length; from += 1)
    for (let to = from + 1; to <= Math.min(words.length, from + longest); to += 1)
      if (hashes.has(hashPhrase(salt, words.slice(from, to)))) return true;
  return false;
}
