/**
 * Whether the readers and writers of two JSON Schemas of one event understand each other. `buf
 * breaking` compares fields and types; it misses a tightened rule, and a renamed field that keeps its
 * number. Both break readers of JSON just the same.
 *
 * Two questions, each asked of every part of the schema:
 *   backward: does the newer schema accept everything that the older one allows?
 *   forward:  does the older schema accept everything that the newer one allows?
 *
 * It errs on the safe side: two patterns with different text count as a finding.
 */
import { isDeepStrictEqual } from 'node:util';
import type { JsonSchema } from './jsonSchema.ts';
import { findRefusals, type Refusal } from './refusals.ts';
import { requireKnownKeywords } from './vocabulary.ts';

/** `backward`: new readers, old events. `forward`: old readers, new events. */
export type Direction = 'backward' | 'forward';

/**
 * One rule of a reader that refuses what a writer may write. Its pointer leads into the reader's
 * schema: the newer one for `backward`, the older one for `forward`.
 */
export interface Incompatibility extends Refusal {
  readonly direction: Direction;
  /** What breaks, and what to do about it. */
  readonly verdict: string;
}

export interface CompareOptions {
  /** Fields to leave out; `['event_version']` when two versions are compared. */
  readonly ignore?: readonly string[];
}

/**
 * All findings in both directions; empty when each can read the other's events.
 *
 * @throws ContractError `unknown_keyword` when a schema says something that is not understood here.
 */
export function compareSchemas(
  older: JsonSchema,
  newer: JsonSchema,
  options: CompareOptions = {},
): Incompatibility[] {
  requireKnownKeywords(older);
  requireKnownKeywords(newer);
  const ignored = new Set(options.ignore);
  const renamed = findRenamed(older, newer);
  return [
    ...judged('backward', findRefusals(older, newer), renamed),
    ...judged('forward', findRefusals(newer, older), renamed),
  ].filter(({ field }) => !ignored.has(field));
}

function judged(
  direction: Direction,
  refusals: readonly Refusal[],
  renamed: ReadonlyMap<string, string>,
): Incompatibility[] {
  return refusals.map((refusal) => ({
    ...refusal,
    direction,
    verdict: describeVerdict(direction, refusal, renamed.get(refusal.field)),
  }));
}

const BREAKS = {
  backward: 'readers of the newer schema refuse events of the older one',
  forward: 'readers of the older schema refuse events of the newer one',
};
const REMEDIES = {
  backward: 'keep the older rule in the newer schema',
  forward: 'let every reader accept it before anything writes it',
};

function describeVerdict(
  direction: Direction,
  { field, problem }: Refusal,
  otherName: string | undefined,
): string {
  const why = field === '' ? `an event ${problem}` : `${field} ${problem}`;
  const other =
    otherName === undefined
      ? ''
      : ` It looks renamed, as ${otherName}: gRPC carries numbers and does not mind, JSON carries names.`;
  return (
    `${BREAKS[direction]}: ${why}.${other} ` +
    `To do: ${REMEDIES[direction]}, or make it a version of its own.`
  );
}

/** Fields that have another name in the other schema, and nothing else changed; both ways. */
function findRenamed(older: JsonSchema, newer: JsonSchema, path = ''): Map<string, string> {
  const [before, after] = [older.properties ?? {}, newer.properties ?? {}];
  const gone = Object.keys(before).filter((name) => !(name in after));
  const come = Object.keys(after).filter((name) => !(name in before));
  const renamed = new Map<string, string>();
  for (const name of gone) {
    const alike = come.filter((one) => isAlike(before[name]!, after[one]!));
    if (alike.length !== 1) continue;
    renamed.set(path + name, path + alike[0]!).set(path + alike[0]!, path + name);
  }
  const kept = Object.keys(before).filter((name) => name in after);
  const inner = kept.flatMap((name) => [
    ...findRenamed(before[name]!, after[name]!, `${path}${name}.`),
    ...findRenamed(before[name]!.items ?? {}, after[name]!.items ?? {}, `${path}${name}[].`),
  ]);
  return new Map([...renamed, ...inner]);
}

function isAlike(one: JsonSchema, other: JsonSchema): boolean {
  return isDeepStrictEqual(
    { ...one, title: '', description: '' },
    { ...other, title: '', description: '' },
  );
}
