/**
 * A run may move several links: those that replicate the same entity change their contract version
 * together. Steps and gates know one link; this gives them the run as it is for that one.
 */
import type { JsonObject, MovedLink, RunRecord } from './record.ts';

type Moves = MovedLink & Pick<RunRecord, 'others'>;

/** Every link that a run moves, the one that a person named first. */
export function linksOf({ link, consumers, from, to, others }: Moves): readonly MovedLink[] {
  return [{ link, consumers, from, to }, ...others];
}

/** `COMM-020 and COMM-021` */
export function nameLinks(run: Moves): string {
  return linksOf(run)
    .map(({ link }) => link)
    .join(' and ');
}

/** The run for whoever looks at one of its links: with what was learnt of that link, and no other. */
export function runOfLink(run: RunRecord, moved: MovedLink): RunRecord {
  const memory = moved.link === run.link ? run.memory : memoriesOf(run)[moved.link];
  return { ...run, ...moved, others: [], memory: memory ?? {} };
}

/** What the run has to remember so that this link remembers what was learnt. */
export function memoryFor(run: RunRecord, link: string, learnt: JsonObject): JsonObject {
  if (link === run.link) return learnt;
  const all = memoriesOf(run);
  return { [OTHERS]: { ...all, [link]: { ...all[link], ...learnt } } };
}

/** What the run has to remember so that every link of it remembers this. */
export function memoryForAll(run: RunRecord, learnt: JsonObject): JsonObject {
  const all = memoriesOf(run);
  const others = Object.entries(all).map(([link, memory]) => [link, { ...memory, ...learnt }]);
  return others.length === 0 ? learnt : { ...learnt, [OTHERS]: Object.fromEntries(others) };
}

/** Whether the run learnt anything by this name of any of its links. */
export function knowsOfAny(run: RunRecord, name: string): boolean {
  return [run.memory, ...Object.values(memoriesOf(run))].some((memory) => Boolean(memory[name]));
}

/** In the memory of a run: what was learnt of each of its other links. */
const OTHERS = 'others';

function memoriesOf({ memory }: RunRecord): Record<string, JsonObject> {
  return (memory[OTHERS] ?? {}) as Record<string, JsonObject>;
}
