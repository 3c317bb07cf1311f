/** What a comparison of both sides found. */
import type { Finding, VerifiedLeg, VerifyResponse } from '../../../gen/relink/v1/operator_pb.ts';
import type { Layout } from './output.ts';
import { cleanText, wrapText } from './paint.ts';
import { formatTable } from './table.ts';

export function formatVerified(link: string, response: VerifyResponse, layout: Layout): string[] {
  const { paint } = layout;
  const verdict = response.equal
    ? paint('green', 'both sides are equal')
    : paint('red', 'the sides differ');
  return [
    `${paint('bold', link)}  ${verdict}`,
    ...response.legs.flatMap((leg) => ['', ...formatLeg(leg, layout)]),
  ];
}

function formatLeg({ consumer, findings }: VerifiedLeg, layout: Layout): string[] {
  const { paint } = layout;
  const columns = [
    { header: consumer },
    { header: '' },
    { header: 'producer' },
    { header: 'consumer' },
  ];
  const rows = findings.map((finding) => [
    cleanText(finding.what),
    finding.equal ? paint('green', 'equal') : paint('red', 'differs'),
    cleanText(finding.producer),
    cleanText(finding.consumer),
  ]);
  const table = formatTable(columns, rows, layout);
  return [...table, ...findings.flatMap((finding) => formatExamples(finding, layout))];
}

function formatExamples({ what, equal, examples }: Finding, { width, paint }: Layout): string[] {
  if (equal || examples.length === 0) return [];
  const text = `for example ${examples.map(cleanText).join(', ')}`;
  const lines = wrapText(text, width - 2).map((line) => `  ${line}`);
  return [paint('yellow', cleanText(what)), ...lines];
}
