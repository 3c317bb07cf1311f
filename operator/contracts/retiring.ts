/**
 * Whether a contract version can be given up: everything that may still write it, carry it or read it
 * is asked now. What does not answer stands against it.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { DeadLetter } from '../../gen/relink/v1/participant_pb.ts';
import { readStream } from '../../link/transport/jetStream/provision.ts';
import { carriedVersion } from '../../link/versions.ts';
import { type DescribedLink, type Participants, REPEATABLE } from '../../migration/participants.ts';
import { howItEnds } from '../../migration/run/life.ts';
import { linksOf } from '../../migration/run/links.ts';
import type { RunRecord } from '../../migration/run/record.ts';
import { RpcCallError } from '../../rpc/errors.ts';
import { followPages } from '../../rpc/paging.ts';
import { messageOf } from '../../runtime/errors.ts';
import { pause } from '../../runtime/wake.ts';
import type { Look } from './sightings.ts';

const CLOSING_LIMIT_MS = 5_000;
const ASK_EVERY_MS = 100;
const LETTERS_PER_PAGE = 1_000;

export interface Wanted {
  readonly event: string;
  readonly version: number;
}

export interface RetireFinding {
  readonly what: 'instances' | 'routes' | 'runs' | 'outbox' | 'dead_letters' | 'parked' | 'stream';
  /** The link, the leg or the service; empty for all. */
  readonly where: string;
  readonly standsAgainst: boolean;
  readonly value: string;
}

export interface RetireSources {
  readonly participants: Participants;
  readonly manager: () => Promise<JetStreamManager>;
  readonly liveRuns: () => Promise<readonly RunRecord[]>;
  /** How long messages that were written before the look may take to be closed. */
  readonly closingLimitMs?: number;
}

interface Leg {
  readonly link: DescribedLink;
  readonly id: string;
  readonly consumer: string;
}

interface Closing {
  readonly lookedMs: number;
  readonly limitMs: number;
}

/** Everything that was looked at. `links` are those on which the version was ever seen. */
export async function findUses(
  sources: RetireSources,
  wanted: Wanted,
  { look, links }: { look: Look; links: readonly string[] },
): Promise<RetireFinding[]> {
  // What an outbox took up after the look was not written in a version that nobody writes.
  const lookedMs = performance.now();
  const { participants, closingLimitMs = CLOSING_LIMIT_MS } = sources;
  const closing = { lookedMs, limitMs: closingLimitMs };
  const topology = await participants.topology();
  const legs = links.flatMap((id): Leg[] => {
    const link = topology.links.get(id);
    return link ? link.producer.consumers.map((consumer) => ({ link, id, consumer })) : [];
  });
  const about = await Promise.all([
    ...legs.map((leg) => findInLeg(participants, wanted, leg, closing)),
    ...participants.services.map((service) => findDeadLetters(participants, wanted, service)),
    ...links.map((link) => findStored(sources, wanted, link)),
  ]);
  return [...findRunning(look, wanted), ...(await findRuns(sources, links)), ...about.flat()];
}

function findRunning({ sightings, silent }: Look, { event, version }: Wanted): RetireFinding[] {
  const having = sightings.filter((one) => one.event === event && one.version === version);
  const what = 'instances';
  const found = having.map(({ service, instance, side, link }) => ({
    what,
    where: `${service}/${instance}`,
    standsAgainst: true,
    value: `${side === 'producer' ? 'may write' : 'reads'} it on ${link}: release ${service} without it`,
  }));
  const away = silent.map(({ service, why }) => ({
    what,
    where: service,
    standsAgainst: true,
    value: `${why}, so nobody knows: start it, or take it off RELINK_PEERS`,
  }));
  const distinct = new Map([...found, ...away].map((one) => [one.where + one.value, one]));
  if (distinct.size > 0) return [...distinct.values()] as RetireFinding[];
  return [{ what, where: '', standsAgainst: false, value: 'no process writes or reads it' }];
}

async function findRuns(
  { liveRuns }: RetireSources,
  links: readonly string[],
): Promise<RetireFinding[]> {
  const held = (await liveRuns()).flatMap((run) => linksOf(run).map(({ link }) => ({ run, link })));
  const holding = held.filter(({ link }) => links.includes(link));
  if (holding.length === 0)
    return [{ what: 'runs', where: '', standsAgainst: false, value: 'no run holds its links' }];
  return holding.map(({ run, link }) => ({
    what: 'runs',
    where: link,
    standsAgainst: true,
    value: `run ${run.id} holds it: ${howItEnds(run)}`,
  }));
}

async function findInLeg(
  participants: Participants,
  wanted: Wanted,
  leg: Leg,
  closing: Closing,
): Promise<RetireFinding[]> {
  const { id: link, consumer } = leg;
  const where = `${link} ${consumer}`;
  const all = await Promise.all([
    answered('routes', where, async () => {
      const producer = participants.of(leg.link.producer.producer);
      const { lanes } = await producer.getRoutes({ link, consumer }, REPEATABLE);
      const routed = lanes.filter(
        (lane) =>
          isCarried(leg, wanted, lane.version) || isCarried(leg, wanted, lane.adoptedVersion),
      );
      if (routed.length === 0) return [false, 'no lane routes it'];
      return [
        true,
        `${routed.length} lanes route it: relink start ${link} --to v${wanted.version + 1} --way-back keep`,
      ];
    }),
    answered('outbox', where, () => findOpen(participants, leg, closing)),
    answered('parked', where, async () => {
      const request = { link, limit: 1 };
      const { parked } = await participants.of(consumer).listDeadLetters(request, REPEATABLE);
      if (parked === 0n) return [false, 'nothing is parked'];
      return [true, `${parked} messages are parked, of some version: relink dead-letters list`];
    }),
  ]);
  return all;
}

function isCarried({ link }: Leg, { event, version }: Wanted, route: number): boolean {
  const known = link.producer.events.find(({ name }) => name === event)?.versions ?? [];
  return carriedVersion([...known, version], route) === version;
}

async function findOpen(
  participants: Participants,
  { id: link, consumer, link: { producer } }: Leg,
  { lookedMs, limitMs }: Closing,
): Promise<[boolean, string]> {
  for (;;) {
    const askedMs = performance.now();
    const progress = await participants
      .of(producer.producer)
      .getProgress({ link, consumer }, REPEATABLE);
    if (progress.open === 0n) return [false, 'nothing is open'];
    const isOlder = Number(progress.oldestOpenMs) >= askedMs - lookedMs;
    if (!isOlder) return [false, 'what was written before this look is closed'];
    if (askedMs - lookedMs > limitMs)
      return [true, `${progress.open} messages are open, the oldest from before: relink links`];
    await pause(ASK_EVERY_MS);
  }
}

async function findDeadLetters(
  participants: Participants,
  { event, version }: Wanted,
  service: string,
): Promise<RetireFinding[]> {
  const isOfIt = (letter: DeadLetter) =>
    letter.eventName === event && letter.eventVersion === version;
  const finding = await answered('dead_letters', service, async () => {
    const { entries } = await followPages(async (afterId: string = '') => {
      const request = { link: '', limit: LETTERS_PER_PAGE, afterId };
      const page = await participants.of(service).listDeadLetters(request, REPEATABLE);
      return { entries: page.deadLetters.filter(isOfIt), next: page.nextId || undefined };
    });
    if (entries.length === 0) return [false, 'none'];
    return [true, `${entries.length} wait: relink dead-letters list, then redrive or discard them`];
  });
  return [finding];
}

async function findStored(
  { manager }: RetireSources,
  { event, version }: Wanted,
  link: string,
): Promise<RetireFinding[]> {
  const finding = await answered('stream', link, async () => {
    const jetStream = await manager();
    if (!(await readStream(jetStream, link))) return [false, 'there is no stream'];
    const filter = `${link}.*.v${version}.${event}`;
    const { state } = await jetStream.streams.info(link, { subjects_filter: filter });
    const count = Object.values(state.subjects ?? {}).reduce((sum, one) => sum + one, 0);
    if (count === 0) return [false, 'holds none'];
    return [true, `holds ${count}; they leave it a day after they were sent`];
  });
  return [finding];
}

/** The finding of one question; who does not answer it may have what stands against. */
async function answered(
  what: RetireFinding['what'],
  where: string,
  ask: () => Promise<[standsAgainst: boolean, value: string]>,
): Promise<RetireFinding> {
  try {
    const [standsAgainst, value] = await ask();
    return { what, where, standsAgainst, value };
  } catch (error) {
    if (error instanceof RpcCallError && error.outcome === 'refused') throw error;
    const value = `no answer, so nobody knows (${messageOf(error)}): relink links`;
    return { what, where, standsAgainst: true, value };
  }
}
