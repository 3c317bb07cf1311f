/** Where producers and consumers meet: who would refuse whose events, and what is wrong otherwise. */
import { compareSchemas, type Incompatibility } from '../../link/contracts/compatibility.ts';
import { ContractError } from '../../link/contracts/contractError.ts';
import type { JsonSchema } from '../../link/contracts/jsonSchema.ts';
import type { Sighting } from './sightings.ts';

const MAX_PROBLEMS = 20; // a person reads them

export interface ContractPair {
  readonly link: string;
  readonly event: string;
  readonly version: number;
  readonly producer: string;
  readonly consumer: string;
  readonly problems: readonly Incompatibility[];
}

/**
 * Each version of an event that both a producer and a consumer of a link have. Every text of a
 * producer's processes is held against every text of the consumer's: during a release there are two.
 */
export function findPairs(sightings: readonly Sighting[]): ContractPair[] {
  const meeting = Map.groupBy(
    sightings,
    ({ link, event, version }) => `${link} ${event} v${version}`,
  );
  return [...meeting.values()].flatMap((all) => {
    const writers = all.filter(({ side }) => side === 'producer');
    const readers = Map.groupBy(
      all.filter(({ side }) => side === 'consumer'),
      ({ service }) => service,
    );
    const [writer] = writers;
    if (!writer) return [];
    const { link, event, version, service: producer } = writer;
    return [...readers].map(([consumer, own]) => {
      const problems = distinctTexts(writers).flatMap((written) =>
        distinctTexts(own).flatMap((read) => refusals(written, read)),
      );
      return { link, event, version, producer, consumer, problems: firstOf(problems) };
    });
  });
}

function distinctTexts(sightings: readonly Sighting[]): Sighting[] {
  return [...new Map(sightings.map((one) => [one.hash, one])).values()];
}

function refusals(written: Sighting, read: Sighting): Incompatibility[] {
  if (written.hash === read.hash) return [];
  try {
    return compareSchemas(schemaOf(read), schemaOf(written)).filter(
      ({ direction }) => direction === 'forward',
    );
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    const { message: problem } = error;
    return [{ field: '', pointer: '', problem, verdict: problem, direction: 'forward' }];
  }
}

function firstOf(problems: readonly Incompatibility[]): Incompatibility[] {
  const distinct = new Map(problems.map((one) => [one.pointer + one.problem, one]));
  return [...distinct.values()].slice(0, MAX_PROBLEMS);
}

function schemaOf({ schema }: Sighting): JsonSchema {
  return JSON.parse(schema) as JsonSchema;
}

export interface KnownContracts {
  readonly registered: ReadonlyMap<string, { readonly hash: string; readonly by: string }>;
  readonly retired: ReadonlySet<string>;
}

export interface ContractAlarm {
  readonly link: string;
  readonly service: string;
  readonly text: string;
}

/** What is wrong with the contracts of the processes that run. */
export function findAlarms(
  sightings: readonly Sighting[],
  { registered, retired }: KnownContracts,
): ContractAlarm[] {
  return sightings.flatMap(({ link, event, version, service, instance, hash }) => {
    const name = `${event} v${version}`;
    const first = registered.get(name);
    const who = `${service}/${instance}`;
    const texts: string[] = [];
    if (first && first.hash !== hash)
      texts.push(
        `${who} has another text of ${name} than ${first.by} registered: a version in use must ` +
          'not change; release the registered text again and give the change a version of its own',
      );
    if (retired.has(name)) texts.push(`${who} still has ${name}, which is retired`);
    return texts.map((text) => ({ link, service, text }));
  });
}
