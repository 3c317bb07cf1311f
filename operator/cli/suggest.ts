/** Did-you-mean for ids and names that only the operator knows, and ids by prefix. */
import { editDistance } from '../../runtime/editDistance.ts';
import { usageError } from './errors.ts';

const MAX_DISTANCE = 3; // edits; further away it is another name, not a typo
const MAX_SUGGESTIONS = 5; // more is a list, and `relink links` prints that better
const SHORT_ID_LENGTH = 8; // characters of an id that are shown at least
const TIME_LENGTH = 13; // characters of a UUIDv7 that are its milliseconds
/** An id of this length is complete and needs no search. */
export const UUID_LENGTH = 36;

/** The candidates that `text` may have meant, nearest first. */
export function findSimilar(text: string, candidates: Iterable<string>): string[] {
  const wanted = text.toLowerCase();
  return [...new Set(candidates)]
    .map((candidate) => ({
      candidate,
      distance: editDistance(wanted, candidate.toLowerCase()),
      isPart: wanted !== '' && candidate.toLowerCase().includes(wanted),
    }))
    .filter(({ distance, isPart, candidate }) => {
      return isPart || (distance <= MAX_DISTANCE && distance < candidate.length / 2);
    })
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MAX_SUGGESTIONS)
    .map(({ candidate }) => candidate);
}

/** `Did you mean a or b?`, or undefined without a suggestion. */
export function didYouMean(similar: string[]): string | undefined {
  if (similar.length === 0) return undefined;
  const last = similar.at(-1)!;
  const others = similar.slice(0, -1);
  return `Did you mean ${others.length === 0 ? last : `${others.join(', ')} or ${last}`}?`;
}

/**
 * The one id that equals `text` or starts with it.
 * @throws CliError (usage) when none or several do; `what` names the kind, such as `run`.
 */
export function pickByPrefix(text: string, ids: string[], what: string, next: string): string {
  if (ids.includes(text)) return text;
  const matching = ids.filter((id) => id.toLowerCase().startsWith(text.toLowerCase()));
  if (matching.length === 1) return matching[0]!;
  if (matching.length > 1) {
    const some = matching.slice(0, MAX_SUGGESTIONS);
    throw usageError(`${text} is the prefix of ${matching.length} ${what} ids.`, some);
  }
  const hint = didYouMean(findSimilar(text, ids));
  const message = `There is no ${what} ${text}.`;
  throw usageError(hint === undefined ? message : `${message} ${hint}`, [next]);
}

/** A short form for hints: the whole time of a UUIDv7, which no other id shares. */
export function shortId(id: string): string {
  return id.length === UUID_LENGTH ? id.slice(0, TIME_LENGTH) : id;
}

/** Each id cut to the shortest prefix that distinguishes it from the others. */
export function shortenIds(ids: string[]): Map<string, string> {
  const sorted = [...new Set(ids)].sort();
  const shared = sorted.map((id, index) =>
    Math.max(commonLength(id, sorted[index - 1]), commonLength(id, sorted[index + 1])),
  );
  const cut = (id: string, index: number) =>
    id.slice(0, Math.max(SHORT_ID_LENGTH, shared[index]! + 1));
  return new Map(sorted.map((id, index) => [id, cut(id, index)]));
}

function commonLength(a: string, b = ''): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}
