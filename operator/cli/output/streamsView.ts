/** Streams that are not as their links want them: a line each, and below what is left to do. */
import type { StreamDifference } from '../../../gen/relink/v1/operator_pb.ts';
import type { Layout } from './output.ts';
import { cleanText, wrapText } from './paint.ts';

export function formatStreamDifferences(
  differences: readonly StreamDifference[],
  layout: Layout,
): string[] {
  if (differences.length === 0) return ['every stream is as its link wants it'];
  return differences.flatMap((one) => formatDifference(one, layout));
}

function formatDifference(
  { link, durable, field, wanted, found, mended, proposal }: StreamDifference,
  { paint, width }: Layout,
): string[] {
  const where = cleanText(durable ? `${link} ${durable}` : link);
  const what = mended ? `was ${found}, is ${wanted}` : `is ${found}, should be ${wanted}`;
  return [
    `${paint('bold', where)}  ${paint(mended ? 'green' : 'red', field)}  ${cleanText(what)}`,
    ...(mended ? [] : wrapText(cleanText(proposal), width - 2).map((line) => `  ${line}`)),
  ];
}
