/** What one side of a leg lost: a line each, and below what was done or what a person has to decide. */
import type { Difference } from '../../../gen/relink/v1/operator_pb.ts';
import { outcomeFromWire } from '../../../link/wire/outcome.ts';
import type { Layout } from './output.ts';
import { cleanText, wrapText } from './paint.ts';

export function formatDifferences(differences: readonly Difference[], layout: Layout): string[] {
  const lost = new Set(differences.filter(({ kind }) => kind === 'lost').map(placeOf));
  const byLeg = Map.groupBy(differences, ({ link, consumer }) => `${link} ${consumer}`);
  return [...byLeg].flatMap(([leg, some]) => [
    layout.paint('bold', leg),
    ...some.flatMap((one) => formatDifference(one, lost.has(placeOf(one)), layout)),
    '',
  ]);
}

/** A message by its place in its key. */
function placeOf({ link, consumer, key, version }: Difference): string {
  return JSON.stringify([link, consumer, key, String(version)]);
}

function formatDifference(one: Difference, isAmongLost: boolean, layout: Layout): string[] {
  const { paint, width } = layout;
  const isGapOfLost = one.kind === 'gap' && isAmongLost;
  const what =
    one.done || (isGapOfLost ? 'it goes on when the lost one is sent again' : one.proposal);
  const tone = one.done ? 'green' : 'yellow';
  return [
    `  ${paint(one.done ? 'green' : 'red', one.kind)}  ${cleanText(describe(one))}`,
    ...wrapText(cleanText(what), width - 4).map((line) => `    ${paint(tone, line)}`),
  ];
}

function describe(one: Difference): string {
  const { kind, key, version, eventId, event, epoch, lane, outcome } = one;
  switch (kind) {
    case 'behind':
      return `lane ${lane} at epoch ${epoch}`;
    case 'row':
      return version === 0n ? key : `${key} v${version}`;
    case 'gap':
      return `${key} lacks v${version}`;
    case 'unknown':
      return `${eventId}  ${key} v${version}, ${outcomeFromWire(outcome) ?? 'settled'} in epoch ${epoch}`;
    default:
      return `${eventId}  ${event} ${key} v${version}, of epoch ${epoch}`;
  }
}

export function sayCompared({
  differences,
  compared,
}: {
  readonly differences: readonly Difference[];
  readonly compared: bigint;
}): string {
  const done = differences.filter((one) => one.done !== '').length;
  const left = differences.length - done;
  const counts = [done > 0 ? `${done} sent again` : '', left > 0 ? `${left} left` : ''];
  const found = counts.filter(Boolean).join(', ') || 'nothing is missing';
  return `${found} (${compared.toLocaleString('en')} compared)`;
}
