/** Parked messages as a table and one by one with their body. */
import type { ListParkedResponse, ParkedMessage } from '../../../gen/relink/v1/participant_pb.ts';
import { shortenIds } from '../suggest.ts';
import { prettyBody } from './deadLetterView.ts';
import type { Layout } from './output.ts';
import { cleanText } from './paint.ts';
import { type Column, formatTable } from './table.ts';
import { formatAgo, formatMoment } from './time.ts';

const COLUMNS: Column[] = [
  { header: 'message' },
  { header: 'link' },
  { header: 'consumer' },
  { header: 'key' },
  { header: 'version', align: 'right' },
  { header: 'waits for' },
  { header: 'parked', align: 'right' },
];

export function formatParkedList(response: ListParkedResponse, layout: Layout): string[] {
  const { parked, total, unanswered } = response;
  if (parked.length === 0)
    return [unanswered.length === 0 ? 'Nothing is parked.' : 'Nothing at those that answered.'];
  const ids = shortenIds(parked.map(({ id }) => id));
  const rows = parked.map((one) => [
    layout.paint('bold', ids.get(one.id)!),
    one.link,
    one.consumer,
    cleanText(one.key),
    String(one.entityVersion),
    sayMissing(one),
    formatAgo(one.parkedAt, layout.now),
  ]);
  const others = total - BigInt(parked.length);
  const more = others > 0n ? [layout.paint('dim', `and ${others} more: --limit`)] : [];
  return [...formatTable(COLUMNS, rows, layout), ...more];
}

/** Its turn may have come at this moment. */
function sayMissing({ missing, deadLetters }: ParkedMessage): string {
  if (missing.length === 0) return 'its turn';
  const versions = missing.slice(0, 3).join(', ') + (missing.length > 3 ? ', …' : '');
  return deadLetters.length === 0 ? versions : `${versions} (dead letter)`;
}

export function formatParked(parked: ParkedMessage, layout: Layout): string[] {
  const { paint, now } = layout;
  const { id, link, consumer, eventName, eventVersion, key, lane, source } = parked;
  const facts: [string, string][] = [
    ['link', `${link} for ${consumer}`],
    ['event', `${eventName} v${eventVersion} of ${source}`],
    ['key', `${key}, version ${parked.entityVersion}, lane ${lane}, epoch ${parked.epoch}`],
    ['position', `the key is at version ${parked.position}`],
    ['missing', parked.missing.length === 0 ? 'nothing' : parked.missing.join(', ')],
    ['dead', parked.deadLetters.join(', ') || 'no missing version is a dead letter'],
    ['parked', formatMoment(parked.parkedAt, now)],
  ];
  return [
    paint('bold', `parked message ${id}`),
    ...facts.map(([name, value]) => `${paint('dim', name.padEnd(8))}  ${cleanText(value)}`),
    '',
    ...cleanText(prettyBody(parked.body)).split('\n'),
    '',
    ...sayNext(parked).map((line) => paint('dim', line)),
  ];
}

function sayNext({ id, deadLetters }: ParkedMessage): string[] {
  if (deadLetters.length > 0) return deadLetters.map((one) => `relink dead-letters show ${one}`);
  return [`relink parked skip ${id} --reason TEXT   (if what is missing will not come)`];
}
