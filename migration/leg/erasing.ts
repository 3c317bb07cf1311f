/** Removes what a version took from the consumers, wherever it is left. May be repeated at any time. */
import { StepProblem } from '../errors.ts';
import type { RunRecord } from '../run/record.ts';
import { stepPause } from '../stepPause.ts';
import { consumersOfLink } from './carried.ts';
import {
  againOf,
  type ErasingContext,
  findInTexts,
  inParts,
  type PhraseList,
  readPhrases,
  SEARCH,
  withoutAliasOfOthers,
} from './phrases.ts';
import { eraseMessages, isOlder, listLinkStreams, readMessages } from './streamTexts.ts';
import { type Units, unitsInTurn } from './units.ts';

/** Between two calls, when one left something behind. */
const AGAIN_MS = 200;

/** What is told as it goes on: fields and messages of each service, free text of each, each stream. */
export async function eraseEverywhere(
  context: ErasingContext,
  inUnits: Units = unitsInTurn(context),
): Promise<void> {
  const { run, participants } = context;
  // At every consumer of the link: those that moved in earlier runs have older messages as well.
  const holders = [run.producer, ...(await consumersOfLink(context))];
  const streams = await listLinkStreams(context);
  let read: Promise<PhraseList> | undefined;
  const phrases = () => (read ??= readPhrases(context));
  await inUnits([
    ...holders.map((service) => ({
      name: `erasing at ${service}`,
      work: () => eraseUntilNoneLeft(context, service),
    })),
    ...participants.services.map((service) => ({
      name: `replacing in free text of ${service}`,
      work: async () => replaceFreeText(context, service, await phrases()),
    })),
    ...streams.map((stream) => ({
      name: `erasing from the stream ${stream}`,
      work: async () => eraseStream(context, stream, await phrases()),
    })),
  ]);
}

/** The patience counts from the first answer: erasing may take long by itself. */
async function eraseUntilNoneLeft(context: ErasingContext, service: string): Promise<void> {
  const { run, participants, signal } = context;
  const request = { link: run.link, version: run.to.version };
  let answeredMs: number | undefined;
  for (;;) {
    const { changed, left } = await participants.of(service).eraseFields(request, SEARCH);
    await context.observe(`erased at ${service}`, describeCounts(changed));
    if (Object.values(left).every((rows) => rows === 0n)) return;
    answeredMs ??= performance.now();
    const isOver = performance.now() - answeredMs > run.settings.patience_seconds * 1_000;
    if (isOver) throw olderLeft(run, service, describeCounts(left));
    await stepPause(AGAIN_MS, signal);
  }
}

function olderLeft(run: RunRecord, service: string, left: string): StepProblem {
  return new StepProblem(
    'stop',
    `${service} keeps getting messages in versions before v${run.to.version} (${left}); ` +
      `find who writes them, then ${againOf(run)}`,
  );
}

async function replaceFreeText(
  { participants, observe }: ErasingContext,
  service: string,
  { salt, longest, entities: all }: PhraseList,
): Promise<void> {
  const counts = new Map<string, bigint>();
  for (const entities of inParts({ entities: withoutAliasOfOthers(all) })) {
    const request = { salt, longest, entities };
    const { changed } = await participants.of(service).replacePhrases(request, SEARCH);
    for (const [place, rows] of Object.entries(changed))
      counts.set(place, (counts.get(place) ?? 0n) + rows);
  }
  await observe(`replaced in free text of ${service}`, describeCounts(counts));
}

/** Messages of older versions, and of other links those with one of the phrases in them. */
async function eraseStream(
  context: ErasingContext,
  stream: string,
  phrases: PhraseList,
): Promise<void> {
  const holds = findInTexts(phrases);
  const what = `erased from the stream ${stream}`;
  const found: number[] = [];
  for await (const { seq, subject, text } of readMessages(context, stream, what))
    if (isOlder(context.run, stream, subject) || holds(text)) found.push(seq);
  await eraseMessages(context, stream, found);
  await context.observe(what, `${found.length} messages`);
}

function describeCounts(counts: Iterable<[string, bigint]> | Record<string, bigint>): string {
  const entries = Symbol.iterator in counts ? [...counts] : Object.entries(counts);
  const some = (entries as [string, bigint][]).filter(([, rows]) => rows > 0n);
  return some.map(([place, rows]) => `${place}: ${rows}`).join(', ') || 'nothing was left';
}
