/**
 * Finds words in texts by salted hashes, so that who looks for a name need not be told it: whoever
 * has the names sends hashes, whoever has the texts hashes every run of words in them.
 */
import { hash } from 'node:crypto';
import { fold } from './fold.ts';
import { readings, rewrite, WORDS_APART } from './readings.ts';

/** A phrase with more words is sought by every run of so many of its words. */
export const LONGEST = 10;
/** Nobody is called so, and most words of a message are parts of one. */
const ID = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
const NOBODY = '0id0';
/** Scripts that put no space between words: each of their letters is a word. */
const WORD =
  /[[\p{L}\p{N}]&&[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}]]\p{M}*|[[\p{L}\p{M}\p{N}]--[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}]]+/gv;
/** What may stand in a name, and is left out as often. */
const JOINTS = /[\p{Pd}'’‘ʼʻ`´＇]/gu;

/** Words as people compare them: by letters, marks and digits of any alphabet, folded. */
export function wordsOf(text: string): string[] {
  return fold(text).match(WORD) ?? [];
}

/** A phrase as it may be written in words: `O'Neill` is `oneill`, too, and so is `ONeill` `o neill`. */
export function spellingsOf(phrase: string): string[][] {
  const apart = rewrite(phrase, WORDS_APART) ?? phrase;
  const spellings = [phrase, apart, phrase.replace(JOINTS, '')].map(wordsOf);
  return [...new Map(spellings.map((words) => [words.join(' '), words])).values()];
}

/** Shorter ones may well be another word. */
const LEAST_JOINED = 10;

/** A name of several words as it is written in one, such as an address of mail or a handle. */
export function joinedSpellingsOf(name: string): string[][] {
  const joined = name.replace(/\s+/g, '');
  if (joined === name) return [];
  const spellings = [joined, joined.replace(JOINTS, '')].map(wordsOf);
  const told = spellings.filter(
    ([word = '', ...more]) => more.length > 0 || word.length >= LEAST_JOINED,
  );
  return [...new Map(told.map((words) => [words.join(' '), words])).values()];
}

/** The words of a text that is folded, with where each begins. */
export function placedWords(folded: string): { readonly word: string; readonly at: number }[] {
  return [...folded.matchAll(WORD)].map(({ 0: word, index }) => ({ word, at: index }));
}

/** Of the base64 of its hash: 72 bits tell apart whatever fits into a database, and lists stay small. */
const KEPT = 12;

/** The hash by which a phrase is looked for. */
export function hashPhrase(salt: string, words: readonly string[]): string {
  return hash('sha256', `${salt}\0${words.join(' ')}`, 'base64').slice(0, KEPT);
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

/** Runs of words that come again soon. A larger set costs more than the hashes that it saves. */
const REMEMBERED = 5_000;

/** Looks for the phrases of one search, and remembers runs of words that are none. */
export class PhraseSearch {
  readonly salt: string;
  readonly hashes: ReadonlySet<string>;
  readonly longest: number;
  #others = new Set<string>();

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

  /** The hashes of the phrases that a text holds, in whatever way it is read. */
  *hashesIn(text: string): Generator<string> {
    for (const reading of readings(text, rewrite))
      for (const { hash } of this.runsIn(wordsOf(reading.replace(ID, NOBODY)))) yield hash;
  }

  holds(text: string): boolean {
    return !this.hashesIn(text).next().done;
  }

  #hashOf(phrase: string): string | undefined {
    if (this.#others.has(phrase)) return undefined;
    const hashed = hashPhrase(this.salt, [phrase]);
    if (this.hashes.has(hashed)) return hashed;
    if (this.#others.size >= REMEMBERED) this.#others.clear();
    this.#others.add(phrase);
    return undefined;
  }
}
