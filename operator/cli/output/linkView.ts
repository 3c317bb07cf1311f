/** Links and their legs: where each goes now, by which lanes, and what is open on it. */
import {
  type Leg,
  type LegRoute,
  type Link,
  LinkSchema,
  type ListLinksResponse,
  ListLinksResponseSchema,
} from '../../../gen/relink/v1/operator_pb.ts';
import { toJsonShape } from './json.ts';
import type { Layout, View } from './output.ts';
import { cleanText, type Paint, wrapText } from './paint.ts';
import { type Column, formatTable } from './table.ts';
import { formatDuration } from './time.ts';

const COLUMNS: Column[] = [
  { header: 'link', isGroup: true },
  { header: 'kind', isGroup: true },
  { header: 'from', isGroup: true },
  { header: 'to' },
  { header: 'route' },
  { header: 'open', align: 'right' },
  { header: 'oldest', align: 'right' },
  { header: 'dead', align: 'right' },
];

/** All links in every format. */
export function viewLinks(response: ListLinksResponse): View {
  const { links } = response;
  return {
    json: () => toJsonShape(ListLinksResponseSchema, response),
    items: () => links.map((link) => toJsonShape(LinkSchema, link)),
    text: (layout) => [...formatLinks(response, layout), ...formatWarnings(links, layout)],
  };
}

function formatLinks({ links, unanswered }: ListLinksResponse, layout: Layout): string[] {
  if (links.length === 0)
    return [unanswered.length === 0 ? 'No service declares a link yet.' : 'No link is known.'];
  const rows = links.flatMap((link) =>
    link.legs.map((leg) => [
      layout.paint('bold', link.id),
      link.kind,
      link.producer,
      leg.consumer,
      shortRoutes(leg.routes).join('\n'),
      leg.outboxOpen.toLocaleString('en'),
      leg.outboxOpen === 0n ? '' : formatDuration(Number(leg.oldestOpenMs)),
      paintTrouble(leg.deadLetters, layout.paint),
    ]),
  );
  return formatTable(COLUMNS, rows, layout);
}

/**
 * `async v0`; with its lanes, `async v0 4/16`, while the leg goes several ways. Lanes that differ
 * in their epoch only go the same way.
 */
export function shortRoutes(routes: LegRoute[]): string[] {
  const lanes = new Map<string, number>();
  for (const { transport, version, lanes: own } of routes) {
    const name = `${transport} v${version}`;
    lanes.set(name, (lanes.get(name) ?? 0) + own.length);
  }
  if (lanes.size === 1) return [...lanes.keys()];
  const total = [...lanes.values()].reduce((sum, count) => sum + count, 0);
  return [...lanes].map(([name, count]) => `${name} ${count}/${total}`);
}

function paintTrouble(count: bigint, paint: Paint): string {
  return count === 0n ? '0' : paint('red', count.toLocaleString('en'));
}

/** What is wrong, one line a warning, with a blank one above; nothing when all is well. */
export function formatWarnings(links: Link[], layout: Layout): string[] {
  const warnings = links.flatMap(({ id, legs }) =>
    legs.flatMap((leg) => leg.warnings.map((text) => `${id} ${leg.consumer}: ${text}`)),
  );
  if (warnings.length === 0) return [];
  return ['', ...warnings.flatMap((text) => formatWarning(text, layout))];
}

function formatWarning(text: string, { paint, width }: Layout): string[] {
  const lines = wrapText(cleanText(text), width - 2);
  return lines.map((line, index) =>
    index === 0 ? `${paint('yellow', '!')} ${line}` : `  ${line}`,
  );
}

/** One link with all that is known of its legs. */
export function formatLink(link: Link, layout: Layout): string[] {
  const { paint } = layout;
  const consumers = link.legs.map(({ consumer }) => consumer).join(', ');
  return [
    `${paint('bold', link.id)}  ${link.kind}`,
    `${link.producer} → ${consumers}`,
    ...wrapText(sayMovable(link), Math.min(layout.width, WIDEST)).map((line) => paint('dim', line)),
    ...link.legs.flatMap((leg) => ['', ...formatLeg(link, leg, layout)]),
  ];
}

type Fact = [name: string, value: string];

function sayMovable({ transports, immovableReason }: Link): string {
  if (immovableReason !== '') return `stays as it is: ${cleanText(immovableReason)}`;
  return `can go by ${transports.join(', ')}`;
}

const WIDEST = 100; // columns; longer lines are hard to read on any terminal

function formatLeg({ producer }: Link, leg: Leg, layout: Layout): string[] {
  const { paint } = layout;
  const oldest =
    leg.outboxOpen === 0n ? '' : `, oldest ${formatDuration(Number(leg.oldestOpenMs))}`;
  const facts: Fact[] = [
    ...leg.routes.map((route): Fact => ['route', longRoute(route)]),
    ...(leg.routes.some(({ transport }) => transport === 'pull')
      ? [['by pull', `nothing is sent: it asks ${producer} when it needs the value`] as Fact]
      : []),
    ['open', `${leg.outboxOpen.toLocaleString('en')} in the outbox${oldest}`],
    ['stream', `${leg.streamPending} to deliver, ${leg.ackPending} to acknowledge`],
    ['set aside', `${leg.deadLetters} dead letters, ${leg.parked} parked`],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return [
    paint('bold', leg.consumer),
    ...facts.map(([name, value]) => `  ${paint('dim', name.padEnd(width))}  ${value}`),
    ...leg.warnings.flatMap((text) => formatWarning(text, layout)).map((line) => `  ${line}`),
  ];
}

function longRoute({ transport, version, epoch, lanes }: LegRoute): string {
  return `${transport} v${version}, epoch ${epoch}, lanes ${formatLanes(lanes)}`;
}

/** `[0,1,2,5]` → `0–2, 5`. */
export function formatLanes(lanes: number[]): string {
  const ranges: [number, number][] = [];
  for (const lane of lanes) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === lane - 1) last[1] = lane;
    else ranges.push([lane, lane]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
}
