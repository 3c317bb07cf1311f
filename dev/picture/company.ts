/**
 * The company as a picture: a box for each service, an arrow for each leg. Where services stand is
 * chosen by hand, everything else comes from the map of links.
 */
import type { LinkDefinition, LinkMap } from '../../link/link.ts';
import { escapeXml } from './svg.ts';

/** Column and row of each service; one that is not named here stands in a row below. */
const PLACES: Readonly<Record<string, readonly [column: number, row: number]>> = {
  assessments: [0, 0],
  hiring: [1, 0],
  management: [2, 0],
  bonuses: [1, 1],
  finance: [2, 1],
};
const COLUMNS = 3;

const BOX = { width: 132, least: 64 };
/** Between two boxes: room for the longest label across, and for two lines down. */
const GAP = { x: 242, y: 92 };
/** From one arrow to the next: two lines of label and the arrow. */
const ARROW_HEIGHT = 44;
const PADDING = 28;
const LEGEND_HEIGHT = 48;

interface Leg {
  readonly link: LinkDefinition;
  readonly consumer: string;
}

interface Box {
  readonly name: string;
  readonly column: number;
  readonly row: number;
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

/** The whole picture; the same map gives the same text. */
export function drawCompany(links: LinkMap): string {
  const legs = Object.values(links).flatMap((link) =>
    Object.keys(link.consumers).map((consumer) => ({ link, consumer })),
  );
  const boxes = placeBoxes(legs);
  const all = [...boxes.values()];
  const width = Math.max(...all.map(({ x }) => x)) + BOX.width + PADDING;
  const bottom = Math.max(...all.map(({ y, height }) => y + height));
  const height = bottom + LEGEND_HEIGHT + PADDING;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">`,
    '<title id="title">The company and its links</title>',
    `<desc id="description">${escapeXml(describe(legs))}</desc>`,
    `<style>${STYLE}</style>`,
    ARROW_HEADS,
    `<rect class="card" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10"/>`,
    ...drawLegs(legs, boxes),
    ...all.map(drawBox),
    ...drawLegend(bottom + LEGEND_HEIGHT),
    '</svg>',
    '',
  ].join('\n');
}

function describe(legs: readonly Leg[]): string {
  return legs
    .map(({ link, consumer }) => {
      const moves = link.transports.filter((one) => one !== link.starts.transport);
      const can = moves.length > 0 ? `, can move to ${moves.join(', ')}` : ', stays';
      return `${link.id}: ${link.producer} to ${consumer}, ${link.starts.transport}${can}.`;
    })
    .join(' ');
}

function placeBoxes(legs: readonly Leg[]): Map<string, Box> {
  const names = [...new Set(legs.flatMap(({ link, consumer }) => [link.producer, consumer]))];
  const known = names.filter((name) => PLACES[name]);
  const others = names.filter((name) => !PLACES[name]);
  const lowest = Math.max(...known.map((name) => PLACES[name]![1]), -1) + 1;
  const places = new Map([
    ...known.map((name) => [name, PLACES[name]!] as const),
    ...others.map((name, at) => [name, [at % COLUMNS, lowest + Math.floor(at / COLUMNS)]] as const),
  ]);
  const rows = Math.max(...[...places.values()].map(([, row]) => row)) + 1;
  const boxes = new Map<string, Box>();
  let y = PADDING;
  for (let row = 0; row < rows; row++) {
    const here = [...places].filter(([, place]) => place[1] === row);
    const height = Math.max(...here.map(([name]) => heightOf(name, legs, places)), BOX.least);
    for (const [name, [column]] of here) {
      const x = PADDING + column * (BOX.width + GAP.x);
      boxes.set(name, { name, column, row, x, y, height });
    }
    y += height + GAP.y;
  }
  return boxes;
}

type Places = ReadonlyMap<string, readonly [number, number]>;

/** As high as the arrows to one neighbour in its row need. */
function heightOf(name: string, legs: readonly Leg[], places: Places): number {
  const row = places.get(name)![1];
  const counts = new Map<string, number>();
  for (const { link, consumer } of legs) {
    if (link.producer !== name && consumer !== name) continue;
    const other = link.producer === name ? consumer : link.producer;
    if (places.get(other)![1] === row) counts.set(other, (counts.get(other) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values()) * ARROW_HEIGHT + 16;
}

/** Arrows between the same two boxes stand side by side. */
function drawLegs(legs: readonly Leg[], boxes: ReadonlyMap<string, Box>): string[] {
  const pairs = Map.groupBy(legs, ({ link, consumer }) => [link.producer, consumer].sort().join());
  return [...pairs.values()].flatMap((group) =>
    group.map((leg, at) => {
      const from = boxes.get(leg.link.producer)!;
      const to = boxes.get(leg.consumer)!;
      const turn = { at, of: group.length };
      if (from.row === to.row) return drawAcross(leg, from, to, turn);
      return from.column === to.column
        ? drawDown(leg, from, to, turn)
        : drawAround(leg, from, to, turn);
    }),
  );
}

interface Turn {
  readonly at: number;
  readonly of: number;
}

function drawAcross(leg: Leg, from: Box, to: Box, { at, of }: Turn): string {
  const y = from.y + from.height / 2 + (at - (of - 1) / 2) * ARROW_HEIGHT + 14;
  const isRight = from.x < to.x;
  const start = isRight ? from.x + BOX.width : from.x;
  const end = isRight ? to.x : to.x + BOX.width;
  const middle = (start + end) / 2;
  return (
    arrow(leg, `M${start} ${y}H${end + (isRight ? -3 : 3)}`) + label(leg, middle, y - 20, 'middle')
  );
}

function drawDown(leg: Leg, from: Box, to: Box, { at, of }: Turn): string {
  const isDown = from.y < to.y;
  const start = isDown ? from.y + from.height : from.y;
  const end = isDown ? to.y : to.y + to.height;
  // The first arrow's label is left of it, the second one's right.
  const x = from.x + BOX.width / 2 + (at - (of - 1) / 2) * 56;
  const isLeft = of > 1 && at === 0;
  const middle = (start + end) / 2 - 4;
  return (
    arrow(leg, `M${x} ${start}V${end + (isDown ? -3 : 3)}`) +
    label(leg, x + (isLeft ? -12 : 12), middle, isLeft ? 'end' : 'start')
  );
}

/** Out of the producer downwards, then into the consumer's side. */
function drawAround(leg: Leg, from: Box, to: Box, { at, of }: Turn): string {
  const isDown = from.y < to.y;
  const isRight = from.x < to.x;
  const x = from.x + BOX.width / 2 + (at - (of - 1) / 2) * 28;
  const y = to.y + to.height / 2 + (at - (of - 1) / 2) * ARROW_HEIGHT;
  const start = isDown ? from.y + from.height : from.y;
  const end = isRight ? to.x - 3 : to.x + BOX.width + 3;
  const bend = isDown ? y - 10 : y + 10;
  const middle = (x + end) / 2;
  return (
    arrow(leg, `M${x} ${start}V${bend}Q${x} ${y} ${x + (isRight ? 10 : -10)} ${y}H${end}`) +
    label(leg, middle, y - 20, 'middle')
  );
}

function arrow({ link }: Leg, path: string): string {
  return `<path class="way ${link.starts.transport}" d="${path}" marker-end="url(#${link.starts.transport})"/>`;
}

/** `COMM-010 sync ⇄ async` above the names of its events. */
function label({ link }: Leg, x: number, y: number, anchor: 'start' | 'middle' | 'end'): string {
  const { id, starts, transports } = link;
  const others = transports.filter((one) => one !== starts.transport);
  const moves = others.length > 0 ? `⇄ ${others.join(', ')}` : 'always';
  const events = [...new Set(link.contracts.map(({ event }) => event))];
  return [
    `<text x="${x}" y="${y}" text-anchor="${anchor}"><tspan class="id">${escapeXml(id)}</tspan>`,
    `<tspan dx="7" class="${starts.transport}">${starts.transport}</tspan>`,
    `<tspan dx="4" class="other">${escapeXml(moves)}</tspan></text>`,
    `<text x="${x}" y="${y + 14}" text-anchor="${anchor}" class="events">${escapeXml(shorten(events))}</text>`,
  ].join('');
}

/** Common words are said once: `ManagerCreated, ManagerUpdated` → `Manager Created, Updated`. */
function shorten(events: readonly string[]): string {
  const words = events.map((event) => event.match(/[A-Z][a-z0-9]*/g) ?? [event]);
  const [first = [], ...others] = words;
  const different = first.findIndex((word, at) => others.some((other) => other[at] !== word));
  if (different <= 0 || events.length < 2) return events.join(', ');
  const tails = words.map((all) => all.slice(different).join(''));
  return `${first.slice(0, different).join('')} ${tails.join(', ')}`;
}

function drawBox({ name, x, y, height }: Box): string {
  return [
    `<rect class="box" x="${x}" y="${y}" width="${BOX.width}" height="${height}" rx="8"/>`,
    `<text class="service" x="${x + BOX.width / 2}" y="${y + height / 2 + 5}" text-anchor="middle">${escapeXml(name)}</text>`,
  ].join('');
}

function drawLegend(y: number): string[] {
  const entry = (x: number, transport: string, text: string) =>
    `<path class="way ${transport}" d="M${x} ${y}h36" marker-end="url(#${transport})"/>` +
    `<text class="legend" x="${x + 48}" y="${y + 4}">${text}</text>`;
  return [
    entry(PADDING, 'sync', 'starts as a gRPC call'),
    entry(PADDING + 220, 'async', 'starts as an event on JetStream'),
    `<text class="legend" x="${PADDING + 500}" y="${y + 4}"><tspan class="id">⇄</tspan> what relink can move it to, and back</text>`,
  ];
}

const head = (transport: string) =>
  `<marker id="${transport}" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path class="head ${transport}" d="M0 1 9 5 0 9z"/></marker>`;
const ARROW_HEADS = `<defs>${head('sync')}${head('async')}${head('pull')}</defs>`;

const COLOURS = (sync: string, async: string, pull: string, text: string, quiet: string) =>
  `.way.sync{stroke:${sync}}.way.async{stroke:${async}}.way.pull{stroke:${pull}}` +
  `.head.sync,tspan.sync{fill:${sync}}.head.async,tspan.async{fill:${async}}.head.pull,tspan.pull{fill:${pull}}` +
  `text{fill:${text}}.other,.events,.legend{fill:${quiet}}`;

const STYLE = [
  'text{font:12px -apple-system,BlinkMacSystemFont,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif}',
  '.service{font-size:15px;font-weight:600}.id,.sync,.async,.pull{font-weight:600}.events{font-size:11px}',
  '.way{fill:none;stroke-width:1.6}.way.async{stroke-dasharray:5 4}',
  COLOURS('#0969da', '#1a7f37', '#8250df', '#1f2328', '#59636e'),
  '.card{fill:#fff;stroke:#d1d9e0}.box{fill:#f6f8fa;stroke:#8c959f}',
  `@media(prefers-color-scheme:dark){${COLOURS('#58a6ff', '#3fb950', '#bc8cff', '#f0f6fc', '#9198a1')}.card{fill:#0d1117;stroke:#3d444d}.box{fill:#151b23;stroke:#656c76}}`,
].join('\n');
