/** Certificates as a table and one by one. */
import type { Certificate } from '../../../gen/relink/v1/operator_pb.ts';
import { shortenIds } from '../suggest.ts';
import type { Layout } from './output.ts';
import { type Column, formatTable } from './table.ts';
import { formatMoment } from './time.ts';

const COLUMNS: Column[] = [
  { header: 'certificate' },
  { header: 'link' },
  { header: 'consumer' },
  { header: 'epoch', align: 'right' },
  { header: 'of', align: 'right' },
  { header: 'says' },
  { header: 'signed', align: 'right' },
];

export function formatCertificates(certificates: Certificate[], layout: Layout): string[] {
  if (certificates.length === 0) return ['There are no certificates yet.'];
  const ids = shortenIds(certificates.map(({ id }) => id));
  const rows = certificates.map((one) => [
    layout.paint('bold', ids.get(one.id)!),
    one.link,
    one.consumer || 'everywhere',
    String(one.epoch),
    one.count.toLocaleString('en'),
    saySides(one, layout),
    formatMoment(one.signedAt, layout.now),
  ]);
  return formatTable(COLUMNS, rows, layout);
}

export function formatCertificate(certificate: Certificate, layout: Layout): string[] {
  const { paint, now } = layout;
  const facts: [string, string][] = [
    ['link', `${certificate.link} for ${certificate.consumer || 'every service'}`],
    ['epoch', String(certificate.epoch)],
    [isErasure(certificate) ? 'entities' : 'messages', certificate.count.toLocaleString('en')],
    ['says', saySides(certificate, layout)],
    ['run', certificate.run],
    ['signed', formatMoment(certificate.signedAt, now)],
    ['key', certificate.publicKey],
    ['signature', certificate.signature],
  ];
  return [
    paint('bold', `certificate ${certificate.id}`),
    ...facts.map(([name, value]) => `${paint('dim', name.padEnd(9))}  ${value}`),
    '',
    paint('dim', `relink certificate show ${certificate.id} --json > certificate.json`),
    paint('dim', 'relink certificate check certificate.json'),
  ];
}

function isErasure({ kind }: Certificate): boolean {
  return kind === 'erasure';
}

function saySides(certificate: Certificate, { paint }: Layout): string {
  if (isErasure(certificate)) return paint('green', 'nothing left');
  const { equal, exceptions } = certificate;
  if (!equal) return paint('red', 'differ');
  if (exceptions === 0n) return paint('green', 'equal');
  return paint('yellow', `equal, ${exceptions.toLocaleString('en')} not applied`);
}
