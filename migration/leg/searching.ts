/**
 * Searches all that there is for what a version took from the consumers, and states what was searched
 * and found.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { FindTracesResponse } from '../../gen/relink/v1/participant_pb.ts';
import { hashPhrase } from '../../link/erasing/phrases.ts';
import { turns } from '../../link/erasing/turns.ts';
import type { ErasureStatement, SearchedPlace } from '../erasure.ts';
import { StepProblem } from '../errors.ts';
import { REPEATABLE } from '../participants.ts';
import { consumersOfLink } from './carried.ts';
import { findLogs } from './logFiles.ts';
import {
  againOf,
  type ErasingContext,
  findInTexts,
  inParts,
  notSoughtOf,
  type PhraseList,
  readPhrases,
  SEARCH,
} from './phrases.ts';
import { isOlder, listAllStreams, readMessages } from './streamTexts.ts';
import { type Units, unitsInTurn } from './units.ts';

/** What no search of this kind finds or reads; whoever relies on the statement has to know. */
const NEVER_SEARCHED = [
  'values that the fields had before they were changed',
  'values that are packed or encoded, but for escapes of JSON and percent encoding',
  'what is escaped or encoded more than ten times over, and fields of JSON whose names are longer than 100 characters',
  'values that several rows, messages or lines hold only together',
  'values in other spellings than docs/contract-versions.md lists',
  "large objects, comments and definitions in the services' databases",
  "the operator's database",
];

/** What may be signed when nothing was found. */
export async function searchEverything(
  context: ErasingContext,
  inUnits: Units = unitsInTurn(context),
): Promise<ErasureStatement> {
  const { run } = context;
  const { phrases, searched, leftOut } = await searchAll(context, inUnits);
  const { count, told } = notSoughtOf(phrases.entities);
  for (const line of told) await context.observe('not searched', line);
  return {
    ...{ kind: 'erasure', run: run.id, link: run.link, consumer: '', version: run.to.version },
    epoch: await newestEpoch(context),
    fields: phrases.fields,
    count: phrases.entities.length - count,
    searched,
    left_out: [...leftOut, ...leftOutHere(context), ...told],
  };
}

function leftOutHere({ run }: ErasingContext): string[] {
  const logs = run.settings.log_files === '' ? ['logs: no log_files were named'] : [];
  return [...logs, ...NEVER_SEARCHED];
}

interface Search {
  readonly phrases: PhraseList;
  readonly searched: readonly SearchedPlace[];
  readonly leftOut: readonly string[];
}

async function searchAll(context: ErasingContext, inUnits: Units): Promise<Search> {
  const phrases = await readPhrases(context);
  const { searched, shared, leftOut } = await searchServices(context, phrases, inUnits);
  const inStreams = await searchStreams(context, phrases, shared);
  const inLogs = await searchLogs(context, phrases, shared);
  return { phrases, searched: [...searched, ...inStreams, ...inLogs], leftOut };
}

/** Of every leg: the statement is of the link, and those of earlier runs may have newer epochs. */
export async function newestEpoch(context: ErasingContext): Promise<number> {
  const { run, participants } = context;
  const epochs = await Promise.all(
    (await consumersOfLink(context)).map((consumer) =>
      participants.of(run.producer).getRoutes({ link: run.link, consumer }, REPEATABLE),
    ),
  );
  return Math.max(...epochs.map(({ epoch }) => Number(epoch)));
}

interface Found {
  readonly searched: readonly SearchedPlace[];
  /** Hashes of phrases that name somebody else, too. */
  readonly shared: ReadonlySet<string>;
  readonly leftOut: readonly string[];
}

/** Once more without what names other people, wherever these are known. */
async function searchServices(
  context: ErasingContext,
  phrases: PhraseList,
  inUnits: Units,
): Promise<Found> {
  const found = await askServices(context, phrases, inUnits);
  const { shared } = found;
  if (shared.size === 0) return found;
  const again = without(phrases, shared);
  const { searched, leftOut } = await askServices(context, again, inUnits, AGAIN);
  const people = `${shared.size} phrases that name other people, too`;
  return { searched, shared, leftOut: [...leftOut, people] };
}

const AGAIN = ' once more, without names that other people have, too';

async function askServices(
  context: ErasingContext,
  phrases: PhraseList,
  inUnits: Units,
  why = '',
): Promise<Found> {
  const places = new Map<string, SearchedPlace>();
  const [shared, leftOut] = [new Set<string>(), new Set<string>()];
  const note = (place: string, entries: number, found: number) =>
    places.set(place, { place, entries, found: found + (places.get(place)?.found ?? 0) });
  const ask = async (service: string) => {
    for await (const answer of tracesAt(context, service, phrases)) {
      for (const hash of answer.shared) shared.add(hash);
      for (const line of answer.leftOut) leftOut.add(`${service}: ${line}`);
      for (const [table, rows] of Object.entries(answer.searched))
        note(`${service}: ${table}`, Number(rows), 0);
      for (const [column, rows] of Object.entries(answer.traces))
        note(`${service}: ${column}`, Number(rows), Number(rows));
    }
    await context.observe(`searched ${service}`, `${phrases.entities.length} entities`);
  };
  await inUnits(
    context.participants.services.map((service) => ({
      name: `searching ${service}${why}`,
      work: () => ask(service),
    })),
  );
  return { searched: [...places.values()], shared, leftOut: [...leftOut] };
}

async function* tracesAt(
  { run, participants }: ErasingContext,
  service: string,
  phrases: PhraseList,
): AsyncGenerator<FindTracesResponse> {
  const { salt, longest } = phrases;
  for (const hashes of soughtIn(phrases)) {
    const request = { salt, longest, hashes, link: run.link, version: run.to.version };
    yield await participants.of(service).findTraces(request, SEARCH);
  }
}

/** Without anybody to look for, everything is searched for nobody: it still says what was read. */
function soughtIn(phrases: PhraseList): string[][] {
  const parts = [...inParts(phrases)];
  if (parts.length === 0) return [[hashPhrase(phrases.salt, ['nobody', phrases.salt])]];
  return parts.map((entities) => entities.flatMap((one) => one.hashes));
}

async function searchStreams(
  context: ErasingContext,
  phrases: PhraseList,
  shared: ReadonlySet<string>,
): Promise<SearchedPlace[]> {
  const holds = findInTexts(without(phrases, shared));
  const searched: SearchedPlace[] = [];
  for (const stream of await listAllStreams(context)) {
    let [entries, found] = [0, 0];
    for await (const message of readMessages(context, stream, `searched stream ${stream}`)) {
      entries += 1;
      if (isOlder(context.run, stream, message.subject) || holds(message.text)) found += 1;
    }
    searched.push({ place: `stream ${stream}`, entries, found });
  }
  return searched;
}

/** The files that `log_files` names, on the operator's machine. */
async function searchLogs(
  { run }: ErasingContext,
  phrases: PhraseList,
  shared: ReadonlySet<string>,
): Promise<SearchedPlace[]> {
  if (run.settings.log_files === '') return [];
  const holds = findInTexts(without(phrases, shared));
  const searched: SearchedPlace[] = [];
  const turn = turns();
  for await (const file of findLogs(run.settings.log_files)) {
    let [entries, found] = [0, 0];
    for (const line of (await readFile(file, 'utf8')).split('\n')) {
      entries += 1;
      if (holds(line)) found += 1;
      await turn();
    }
    searched.push({ place: `log ${basename(file)}`, entries, found });
  }
  if (searched.length > 0) return searched;
  throw new StepProblem(
    'stop',
    `no file is named ${run.settings.log_files} here any more; put it back, then ${againOf(run)}`,
  );
}

function without(phrases: PhraseList, shared: ReadonlySet<string>): PhraseList {
  const entities = phrases.entities.map((one) => ({
    ...one,
    hashes: one.hashes.filter((hash) => !shared.has(hash)),
  }));
  return { ...phrases, entities };
}
