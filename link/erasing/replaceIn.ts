/** Puts aliases in the place of phrases in a text, which else stays as it is. */

import { type PhraseSearch, placedWords, type Run } from './phrases.ts';
import { folded, type PlacedText, placed, rewritePlaced } from './placedText.ts';
import { readings } from './readings.ts';

/** By the hash of each phrase, what stands there instead. */
export type Aliases = ReadonlyMap<string, string>;

/** A part of the original text. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** The text without the phrases. JSON stays JSON: of what would break it, nothing is changed. */
export function replaceIn(text: string, search: PhraseSearch, aliases: Aliases): string {
  if (!search.holds(text)) return text;
  const replaced = replaceAll(text, search, aliases);
  return isJson(text) && !isJson(replaced) ? text : replaced;
}

/** Reading by reading, as it was searched; anew once one of them changed it. */
function replaceAll(text: string, search: PhraseSearch, aliases: Aliases): string {
  for (const reading of readings(placed(text), rewritePlaced)) {
    const replaced = replaceOnce(text, folded(reading), search, aliases);
    if (replaced !== text) return replaceAll(replaced, search, aliases);
  }
  return text;
}

function replaceOnce(
  text: string,
  { text: read, from, to }: PlacedText,
  search: PhraseSearch,
  aliases: Aliases,
): string {
  const words = placedWords(read);
  const ranges = words.map(({ word, at }) => ({ from: from[at]!, to: to[at + word.length - 1]! }));
  const runs = [...search.runsIn(words.map(({ word }) => word))];
  const done = runs.length > 0 ? findAliases(text, aliases) : [];
  const changes = joined(runs).flatMap(({ hash, ...run }) =>
    partsOf(text, ranges.slice(run.from, run.to))
      .filter((part) => !done.some(({ from, to }) => from <= part.from && part.to <= to))
      .map((part) => ({ ...part, alias: aliases.get(hash)! })),
  );
  return changes.reduceRight((now, c) => now.slice(0, c.from) + c.alias + now.slice(c.to), text);
}

/** Where aliases stand: one that has the words of a name is left alone, or it would grow for ever. */
function findAliases(text: string, aliases: Aliases): Range[] {
  return [...new Set(aliases.values())].flatMap((alias) => {
    const found: Range[] = [];
    for (let at = text.indexOf(alias); at >= 0; at = text.indexOf(alias, at + 1))
      found.push({ from: at, to: at + alias.length });
    return found;
  });
}

/** Runs that overlap are one: a name is longer than what is sought of it, or is said twice. */
function joined(runs: readonly Run[]): Run[] {
  const whole: Run[] = [];
  for (const run of runs) {
    const last = whole.at(-1);
    if (last && run.from < last.to)
      whole[whole.length - 1] = { ...last, to: Math.max(last.to, run.to) };
    else whole.push(run);
  }
  return whole;
}

/**
 * The parts of a run that quotes keep apart, so that these stay. Names of fields stay, too, beside
 * their values.
 */
function partsOf(text: string, words: readonly Range[]): Range[] {
  const parts: Range[] = [];
  for (const word of words) {
    const last = parts.at(-1);
    if (last && !text.slice(last.to, word.from).includes('"'))
      parts[parts.length - 1] = { from: last.from, to: Math.max(last.to, word.to) };
    else parts.push(word);
  }
  const values = parts.filter(({ to }) => !/^\\*"\s*:/.test(text.slice(to, to + 50)));
  return values.length > 0 ? values : parts;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
