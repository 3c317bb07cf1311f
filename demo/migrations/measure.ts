/**
 * What the databases and the operator say about one link before, during and after its migration.
 */
import { legOf } from '../../link/link.ts';
import { listCertificates } from '../../operator/cli/lists.ts';
import type { DemoContext } from '../context.ts';
import { readExpectedMessages } from '../oracle/expectedMessages.ts';
import { type DelaySummary, readClosed, readDelays } from '../oracle/linkTables.ts';
import type { VersionMark } from '../oracle/migrationSpan.ts';

/** Delays of the messages written within the span, one summary per consumer. */
export function readDelaysWithin(
  { stack, links }: DemoContext,
  link: string,
  span: { readonly fromMs: number; readonly toMs: number },
): Promise<DelaySummary[]> {
  const consumers = Object.keys(links[link]?.consumers ?? {});
  return Promise.all(consumers.map((consumer) => readDelays(stack.database(consumer), link, span)));
}

/** The newest version of every key at the owner now. */
export async function readVersionMark(
  { stack, links }: DemoContext,
  link: string,
): Promise<VersionMark> {
  const expected = await readExpectedMessages(stack.database(links[link]?.producer ?? ''), link);
  return new Map([...expected].map(([key, { last }]) => [key, last]));
}

/**
 * Epochs that carried something and are over, without a certificate of this run or an earlier one.
 * An epoch that carried nothing, such as one of `pull`, leaves nothing to certify.
 */
export async function countUncertified(context: DemoContext, link: string): Promise<number> {
  const { stack, links, signal } = context;
  const { operator } = stack;
  const { certificates } = await listCertificates({ operator, signal }, { link });
  const listed = await operator.listLinks({}, { signal });
  const found = listed.links.find(({ id }) => id === link);
  const silent = listed.unanswered.map(({ service }) => service).join(', ');
  if (!found) throw new Error(`${link} is not listed; services that did not answer: ${silent}`);
  let uncertified = 0;
  for (const { consumer, routes } of found.legs) {
    const closed = await readClosed(stack.database(links[link]!.producer), legOf(link, consumer));
    const known = new Set(routes.map(({ epoch }) => epoch));
    for (const one of certificates) if (one.consumer === consumer) known.add(one.epoch);
    const carried = new Set([...closed.keys()].map((place) => BigInt(place.split('/')[1]!)));
    uncertified += [...carried].filter((epoch) => !known.has(epoch)).length;
  }
  return uncertified;
}
