/**
 * Finds words in texts by salted hashes, so that who looks for a name need not be told it: whoever
 * has the names sends hashes, whoever has the texts hashes every run of words in them.
 */
import { hash } from 'node:crypto';
import { readingsOf } from './escapes.ts';

/** A phrase with more words is sought by every run of so many of its words. */
export const LONGEST = 10;
/** Nobody is called so, and most words of a message are parts of one. */
const ID = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
const NOBODY = '0id0';
const WORD = /[\p{L}\p{M}\p{N}]+/gu;

/** Words as people compare them: by letters, marks and digits of any alphabet, without case. */
export function wordsOf(text: string): string[] {
  return (text.normalize('NFKC').match(WORD) ?? []).map((word) => word.toLowerCase());
}

/** The words of a text that is in NFKC, with where each begins. */
export function placedWords(normal: string): { readonly word: string; readonly at: number }[] {
  return [...normal.matchAll(WORD)].map(({ 0: word, index }) => ({ word, at: index }));
}

/** The hash by which a phrase is looked for. */
export function hashPhrase(salt: string, words: readonly string[]): string {
  return hash('sha256', `${salt}\0${words.join(' ')}`, 'base64');
}

/**
 * What is sought for one phrase: nothing for one that stands in texts about anything, as a single
 * word, initials or numbers do.
 */
export function soughtOf(words: readonly string[]): (readonly string[])[] {
  if (words.length < 2 || !words.some(tells)) return [];
  const runs = Math.max(1, words.length - LONGEST + 1);
  return Array.from({ length: runs }, (_, from) => words.slice(from, from + LONGEST));
}

/** A letter alone tells something where letters are whole words. */
function tells(word: string): boolean {
  return /\p{L}/u.test(word) && (word.length > 1 || word > '\x7f');
}

/** A run of words that is sought: the words from `from` to before `to`. */
export interface Run {
  readonly from: number;
  readonly to: number;
  readonly hash: string;
}

/** Enough for the words of a page of rows; more would only be memory. */
const REMEMBERED = 50_000;

/** Looks for the phrases of one search, and remembers runs of words that it has seen. */
export class PhraseSearch {
  readonly salt: string;
  readonly hashes: ReadonlySet<string>;
  readonly longest: number;
  #known = new Map<string, string | undefined>();

  /** `longest`: the most words that a phrase has. */
  constructor(sought: { salt: string; hashes: ReadonlySet<string>; longest: number }) {
    this.salt = sought.salt;
    this.hashes = sought.hashes;
    this.longest = sought.longest;
  }

  /** Every run of words that is sought, also those that overlap. */
  *runsIn(words: readonly string[]): Generator<Run> {
    for (let from = 0; from < words.length; from += 1) {
      const end = Math.min(words.length, from + this.longest);
      for (
        let to = from + 1, phrase = words[from]!;
        to <= end;
        phrase += ` ${words[to]}`, to += 1
      ) {
        const hash = this.#hashOf(phrase);
        if (hash) yield { from, to, hash };
      }
    }
  }

  /** The hashes of the phrases that a text holds, however often its quotes are escaped. */
  *hashesIn(text: string): Generator<string> {
    for (const reading of readingsOf(text))
      for (const { hash } of this.runsIn(wordsOf(reading.replace(ID, NOBODY)))) yield hash;
  }

  holds(text: string): boolean {
    return !this.hashesIn(text).next().done;
  }

  #hashOf(phrase: string): string | undefined {
    if (this.#known.has(phrase)) return this.#known.get(phrase);
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    const hashed = hashPhrase(this.salt, [phrase]);
    const hash = this.hashes.has(hashed) ? hashed : undefined;
    this.#known.set(phrase, hash);
    return hash;
  }
}
