/** Dead letters as a table and one by one with their body. */
import type { DeadLetter, ListDeadLettersResponse } from '../../../gen/relink/v1/participant_pb.ts';
import { shortenIds } from '../suggest.ts';
import { parseExactly } from './json.ts';
import type { Layout } from './output.ts';
import { cleanText, wrapText } from './paint.ts';
import { type Column, formatTable } from './table.ts';
import { formatAgo, formatMoment } from './time.ts';

const COLUMNS: Column[] = [
  { header: 'dead letter' },
  { header: 'link' },
  { header: 'consumer' },
  { header: 'event' },
  { header: 'reason' },
  { header: 'died', align: 'right' },
];

export function formatDeadLetters(response: ListDeadLettersResponse, layout: Layout): string[] {
  const { deadLetters, total, unanswered } = response;
  if (deadLetters.length === 0)
    return [
      unanswered.length === 0 ? 'No dead letters.' : 'No dead letters at those that answered.',
    ];
  const ids = shortenIds(deadLetters.map(({ id }) => id));
  const isMixed = deadLetters.some(({ state }) => state !== 'dead');
  const rows = deadLetters.map((one) => [
    layout.paint('bold', ids.get(one.id)!),
    one.link,
    one.consumer,
    `${one.eventName} v${one.eventVersion}`,
    cleanText(one.reason),
    formatAgo(one.diedAt, layout.now),
    ...(isMixed ? [one.state] : []),
  ]);
  const others = total - BigInt(deadLetters.length);
  const more = others > 0n ? [layout.paint('dim', `and ${others} more: --limit`)] : [];
  const columns = isMixed ? [...COLUMNS, { header: 'state' }] : COLUMNS;
  return [...formatTable(columns, rows, layout), ...more];
}

export function formatDeadLetter(letter: DeadLetter, layout: Layout): string[] {
  const { paint, width, now } = layout;
  const facts: [string, string][] = [
    ['link', `${letter.link} for ${letter.consumer}`],
    ['event', `${letter.eventName} v${letter.eventVersion}, id ${letter.eventId}`],
    ['key', `${letter.key}, version ${letter.entityVersion}, lane ${letter.lane}`],
    ['reason', [letter.reason, letter.detail].filter(Boolean).join(': ')],
    ['died', `${formatMoment(letter.diedAt, now)} after ${sayAttempts(letter.attempts)}`],
    ['state', `${letter.state}, revision ${letter.revision}`],
    ...Object.entries(letter.headers).map(([name, value]): [string, string] => [name, value]),
  ];
  const labelWidth = Math.max(...facts.map(([name]) => name.length));
  return [
    paint('bold', `dead letter ${letter.id}`),
    ...facts.flatMap(([name, value]) => {
      const lines = wrapText(cleanText(value), Math.max(10, width - labelWidth - 2));
      return lines.map((line, index) => {
        return `${paint('dim', (index === 0 ? name : '').padEnd(labelWidth))}  ${line}`;
      });
    }),
    '',
    ...cleanText(prettyBody(letter.body)).split('\n'),
    '',
    ...sayNext(letter).map((line) => paint('dim', line)),
  ];
}

function sayAttempts(attempts: number): string {
  return attempts === 1 ? '1 attempt' : `${attempts} attempts`;
}

function sayNext({ id, state }: DeadLetter): string[] {
  if (state !== 'dead') return [];
  const commands = [`redrive ${id}`, `edit ${id}`, `discard ${id} --reason TEXT`];
  return commands.map((command) => `relink dead-letters ${command}`);
}

/** JSON over several lines; any other text as it is. */
export function prettyBody(body: string): string {
  try {
    return JSON.stringify(parseExactly(body), null, 2);
  } catch {
    return body;
  }
}

export interface Redriven {
  id: string;
  outcome: string;
  detail: string;
}

export function formatRedriven(redriven: Redriven[], { paint }: Layout): string[] {
  return redriven.map(({ id, outcome, detail }) => {
    const tone = outcome === 'dead' ? 'red' : 'green';
    const why = detail === '' ? '' : `  ${cleanText(detail)}`;
    return `${paint(tone, outcome)}  ${id}${why}`;
  });
}
