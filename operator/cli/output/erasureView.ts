/** Where something is left of what a contract version took away, and what was searched. */
import type { CheckedErasure } from '../../../gen/relink/v1/operator_pb.ts';
import { shortId } from '../suggest.ts';
import type { Layout } from './output.ts';
import { cleanText, wrapText } from './paint.ts';
import { type Column, formatTable } from './table.ts';

const COLUMNS: Column[] = [
  { header: 'place' },
  { header: 'searched', align: 'right' },
  { header: 'found', align: 'right' },
];

export function formatErasure(checked: CheckedErasure, layout: Layout): string[] {
  const { link, version, fields, count, searched, leftOut, certificate, proposal } = checked;
  const { paint, width } = layout;
  const verdict = certificate
    ? paint('green', 'nothing is left')
    : paint('red', 'something is left');
  const rows = searched
    .toSorted((a, b) => Number(b.found - a.found))
    .map(({ place, entries, found }) => [
      cleanText(place),
      entries.toLocaleString('en'),
      paint(found > 0n ? 'red' : 'dim', found.toLocaleString('en')),
    ]);
  const of = `of ${fields.join(', ')} of ${count.toLocaleString('en')} entities, which v${version} took away`;
  const next = certificate ? `relink certificate show ${shortId(certificate.id)}` : proposal;
  return [
    `${paint('bold', link)}  ${verdict} ${of}`,
    '',
    ...formatTable(COLUMNS, rows, layout),
    '',
    'not searched:',
    ...leftOut.flatMap((line) => wrapText(cleanText(line), width - 2).map((part) => `  ${part}`)),
    '',
    paint('dim', cleanText(next)),
  ];
}
