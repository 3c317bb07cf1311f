/** What keeps a leg from going on after a database went back: keys that wait, and lanes that are behind. */
import { REPEATABLE } from '../../migration/participants.ts';
import { type ComparedPage, type Reconciling, sidesOf } from './page.ts';

const PAGE = 1_000;

/** Keys of an ordered link that wait for a message that is neither there nor on its way. */
export async function compareGaps(
  of: Reconciling,
  _lanes: readonly number[],
  afterKey: string,
): Promise<ComparedPage> {
  const { leg, producer, consumer } = sidesOf(of);
  const page = { link: leg.link, afterKey, limit: PAGE };
  const { gaps, nextKey } = await consumer.listGaps(page, REPEATABLE);
  const places = gaps.map(({ key, missingVersion: version }) => ({ key, version }));
  const { open } = await producer.findMessages({ ...leg, places }, REPEATABLE);
  // What is on its way may have arrived since: only what waits at both moments is told.
  const still = await stillWaiting(of, afterKey);
  const onItsWay = new Set(open.map(({ key, version }) => `${version} ${key}`));
  const differences = gaps
    .filter(({ key, missingVersion }) => !onItsWay.has(`${missingVersion} ${key}`))
    .filter(({ key, missingVersion }) => still.has(`${missingVersion} ${key}`))
    .map(({ key, missingVersion, parkedId, parkedVersion }) => ({
      ...{ ...leg, kind: 'gap', eventId: parkedId, key, version: missingVersion },
      proposal:
        `version ${parkedVersion} waits for it, and ${link(of)} does not have it open: ` +
        'if it is not among the lost ones, relink parked skip lets the key go on without it',
    }));
  return { differences, compared: gaps.length, next: nextKey || undefined };
}

function link({ link: { producer } }: Reconciling): string {
  return producer.producer;
}

async function stillWaiting(of: Reconciling, afterKey: string): Promise<Set<string>> {
  const { leg, consumer } = sidesOf(of);
  const { gaps } = await consumer.listGaps({ link: leg.link, afterKey, limit: PAGE }, REPEATABLE);
  return new Set(gaps.map(({ key, missingVersion }) => `${missingVersion} ${key}`));
}

/** Lanes whose epoch is older than the consumer takes: the producer's routes went back. */
export async function compareFences(of: Reconciling): Promise<ComparedPage> {
  const { leg, producer, consumer } = sidesOf(of);
  const { lanes: fences } = await consumer.getFences({ link: leg.link }, REPEATABLE);
  const { lanes } = await producer.getRoutes(leg, REPEATABLE);
  const fenceOf = new Map(fences.map(({ lane, minEpoch }) => [lane, minEpoch]));
  const behind = lanes.filter(({ lane, epoch }) => epoch < (fenceOf.get(lane) ?? 0n));
  const differences = behind.map(({ lane, epoch }) => ({
    ...{ ...leg, kind: 'behind', lane, epoch },
    proposal:
      `${leg.consumer} takes nothing of this lane before epoch ${fenceOf.get(lane)}; ` +
      `relink link ${leg.link} shows when the lane has got there`,
  }));
  return { differences, compared: lanes.length };
}
