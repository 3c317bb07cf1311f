/** Texts that were changed to be compared, and where each part of them stood in the original. */
import { fold } from './fold.ts';
import type { Rewriting } from './readings.ts';

export interface PlacedText {
  readonly text: string;
  /** Of each UTF-16 unit of `text`: where its part of the original begins, and ends. */
  readonly from: readonly number[];
  readonly to: readonly number[];
}

export function placed(text: string): PlacedText {
  const at = Array.from({ length: text.length }, (_, i) => i);
  return { text, from: at, to: at.map((i) => i + 1) };
}

/** Folding may make a part longer or shorter. */
export function folded(original: PlacedText): PlacedText {
  return rewritten(
    original,
    Array.from(splitMarks(original.text), (part) => [part, fold(part)]),
  );
}

/** Undefined when it changes nothing. */
export function rewritePlaced(original: PlacedText, how: Rewriting): PlacedText | undefined {
  const now = rewritten(original, splitBy(original.text, how));
  return now.text === original.text ? undefined : now;
}

/** The parts that fit, each with what takes its place, and what is between them. */
function* splitBy(text: string, { pattern, into }: Rewriting): Generator<Rewritten> {
  let at = 0;
  for (const { 0: part, index } of text.matchAll(pattern)) {
    if (at < index) yield [text.slice(at, index), text.slice(at, index)];
    yield [part, into(part)];
    at = index + part.length;
  }
  if (at < text.length) yield [text.slice(at), text.slice(at)];
}

type Rewritten = readonly [part: string, into: string];

function rewritten(original: PlacedText, parts: Iterable<Rewritten>): PlacedText {
  const texts: string[] = [];
  const from: number[] = [];
  const to: number[] = [];
  let at = 0;
  for (const [part, text] of parts) {
    texts.push(text);
    for (let i = 0; i < text.length; i += 1) {
      // What stays as long as it was is placed unit by unit.
      const isSame = text.length === part.length;
      from.push(original.from[isSame ? at + i : at]!);
      to.push(original.to[isSame ? at + i : at + part.length - 1]!);
    }
    at += part.length;
  }
  return { text: texts.join(''), from, to };
}

/** Parts that NFKC changes one by one as it changes the whole: a character with what joins it. */
function* splitMarks(text: string): Generator<string> {
  let part = '';
  for (const char of text) {
    if (part !== '' && !joins(part, char)) {
      yield part;
      part = '';
    }
    part += char;
  }
  if (part !== '') yield part;
}

const HIDDEN = /^\p{DI}$/u;
/** ASCII that no mark changes: a quote must not go with the word that a mark begins. */
const STAYS = /^[^\P{ASCII}A-Za-z<=>]$/u;

function joins(part: string, char: string): boolean {
  if (char <= '\x7f') return false;
  if (HIDDEN.test(char)) return !STAYS.test(part);
  const normal = char.normalize('NFKC');
  if (/^\p{M}/u.test(normal)) return !STAYS.test(part);
  return (part + char).normalize('NFKC') !== part.normalize('NFKC') + normal;
}
