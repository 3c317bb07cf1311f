/**
 * What a contract version took from a link's consumers, as its owner has it: phrases, known here and
 * to whoever searches by salted hashes only.
 */
import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { type Phrases, PhrasesSchema } from '../../gen/relink/v1/participant_pb.ts';
import { PhraseSearch } from '../../link/erasing/phrases.ts';
import { followPages } from '../../rpc/paging.ts';
import { REPEATABLE } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import { isEnded, type RunRecord } from '../run/record.ts';
import { oldestCarried } from './carried.ts';

/** Every text of a database is read. */
const SEARCH_DEADLINE_MS = 30 * 60_000;
export const SEARCH = { ...REPEATABLE, deadlineMs: SEARCH_DEADLINE_MS } as const;

/** What erasing and searching work with: a step's, or that of a search when its run has ended. */
export type ErasingContext = Pick<
  StepContext,
  'run' | 'participants' | 'streams' | 'signal' | 'observe'
>;

/** The command that does it once more. */
export function againOf(run: RunRecord): string {
  return isEnded(run) ? `relink erasure check ${run.link}` : `relink resume ${run.id}`;
}

export interface PhraseList {
  readonly salt: string;
  /** Of each entity, with what may stand in their place. */
  readonly entities: readonly Phrases[];
  /** The most words that one has. */
  readonly longest: number;
  /** Names of the fields that were taken away. */
  readonly fields: readonly string[];
}

/** What the owner has now, under a salt that nobody has seen before. */
export async function readPhrases({ run, participants }: ErasingContext): Promise<PhraseList> {
  const salt = randomUUID();
  const owner = participants.of(run.producer);
  const fields = new Set<string>();
  let longest = 1;
  const { entries } = await followPages(async (afterKey: string | undefined) => {
    const request = { link: run.link, version: run.to.version, salt, afterKey };
    const page = await owner.listPhrases(request, REPEATABLE);
    longest = Math.max(longest, page.longest);
    for (const field of page.fields) fields.add(field);
    return { entries: page.entities, next: page.nextKey || undefined };
  });
  return { salt, entities: entries, longest, fields: [...fields] };
}

/** As many ids of them as a line names. */
const NAMED = 100;

/** The people whose names stand in texts about anything, and how a statement tells of them. */
export function notSoughtOf(entities: readonly Phrases[]): { count: number; told: string[] } {
  const isLost = ({ hashes, notSought }: Phrases) => notSought !== '' || hashes.length === 0;
  const lost = entities.filter(isLost);
  if (lost.length === 0) return { count: 0, told: [] };
  const ids = lost.flatMap(({ notSought }) => notSought || []);
  const more = lost.length > NAMED ? ', …' : '';
  const who = ids.length > 0 ? `: ${ids.slice(0, NAMED).join(', ')}${more}` : '';
  const why = 'initials, or one word alone, which texts about anything hold';
  return {
    count: lost.length,
    told: [`free text: names of ${lost.length} entities (${why})${who}`],
  };
}

/** What one entity may have. */
const HASHES_AT_ONCE = 1_000;

/**
 * A phrase of several entities, such as a last name in its field, does not say whose it is: no alias
 * may take its place, or it would name somebody else.
 */
export function withoutAliasOfOthers(entities: readonly Phrases[]): Phrases[] {
  const [seen, shared] = [new Set<string>(), new Set<string>()];
  for (const hash of entities.flatMap(({ hashes }) => hashes))
    (seen.has(hash) ? shared : seen).add(hash);
  const own = entities.map((one) => ({
    ...one,
    hashes: one.hashes.filter((hash) => !shared.has(hash)),
  }));
  const all = [...shared];
  const nobody = Array.from({ length: Math.ceil(all.length / HASHES_AT_ONCE) }, (_, i) =>
    create(PhrasesSchema, { hashes: all.slice(i * HASHES_AT_ONCE, (i + 1) * HASHES_AT_ONCE) }),
  );
  return [...own, ...nobody];
}

/** gRPC takes 4 MiB; each part costs a reading of everything. */
const PART_BYTES = 3_500_000;
const FRAME_BYTES = 6;
const MOST_ENTITIES = 50_000;

/** Parts of a list that fit into one call. Of most links there is one. */
export function* inParts({ entities }: Pick<PhraseList, 'entities'>): Generator<Phrases[]> {
  let part: Phrases[] = [];
  let bytes = 0;
  for (const one of entities.filter((each) => each.hashes.length > 0)) {
    const size = toBinary(PhrasesSchema, one).length + FRAME_BYTES;
    if (part.length === MOST_ENTITIES || bytes + size > PART_BYTES) {
      yield part;
      [part, bytes] = [[], 0];
    }
    part.push(one);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

/** Tells whether a text holds one of the phrases. */
export function findInTexts({ salt, longest, entities }: PhraseList): (text: string) => boolean {
  const hashes = new Set(entities.flatMap((one) => one.hashes));
  const search = new PhraseSearch({ salt, hashes, longest });
  return (text) => search.holds(text);
}

/** With `--consumer`: a leg that is still on an older version needs what would be erased. */
export async function isStillCarried(context: ErasingContext): Promise<boolean> {
  const { run } = context;
  const oldest = await oldestCarried(context);
  if (oldest >= run.to.version) return false;
  await context.observe('erased', `nothing: a leg of ${run.link} is at v${oldest}`);
  return true;
}
