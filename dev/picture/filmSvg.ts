/**
 * A film of a terminal as an animated SVG: no scripts and no fonts of its own, so that it plays where a
 * page shows it as an image. Without animation, or where the reader wants none, it is the last screen.
 */
import type { Film, Strip } from './film.ts';
import { escapeXml } from './svg.ts';
import { type Piece, type TerminalSize, TONES, type Tone } from './terminal.ts';

/** One character, in pixels. The text is stretched to it, whichever font the reader has. */
const CELL = { width: 8.4, height: 19 };
const FONT_SIZE = 14;
const PADDING = 18;
const BAR_HEIGHT = 36;

const BACKGROUND = '#0d1117';
const COLOURS: Readonly<Record<Tone, string>> = {
  usual: '#d1d9e0',
  black: '#818b98',
  red: '#ff7b72',
  green: '#56d364',
  yellow: '#e3b341',
  blue: '#79c0ff',
  magenta: '#d2a8ff',
  cyan: '#4cc9d6',
  white: '#f0f6fc',
};
const DIM = '#818b98';

export interface FilmSvgOptions extends TerminalSize {
  readonly title: string;
  /** For who cannot see it. */
  readonly description: string;
}

export function drawFilm(film: Film, options: FilmSvgOptions): string {
  const width = Math.ceil(options.columns * CELL.width + 2 * PADDING);
  const height = Math.ceil(BAR_HEIGHT + options.rows * CELL.height + PADDING);
  const spans = spansOf(film);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escapeXml(options.title)}</title>`,
    `<desc id="description">${escapeXml(options.description)}</desc>`,
    `<style>${drawStyle(film, spans)}</style>`,
    ...drawWindow(width, height, options.title),
    ...film.strips.map((strip) => drawStrip(strip, spans.get(spanKey(strip)))),
    '</svg>',
    '',
  ].join('\n');
}

function drawWindow(width: number, height: number, title: string): string[] {
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (colour, at) => `<circle cx="${20 + at * 20}" cy="19" r="6" fill="${colour}"/>`,
  );
  return [
    `<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10" fill="${BACKGROUND}" stroke="#3d444d"/>`,
    ...dots,
    `<text x="${width / 2}" y="24" class="name">${escapeXml(title)}</text>`,
  ];
}

/** A part of the film: class name, from and until in percent. Lines that change together share one. */
interface Span {
  readonly name: string;
  readonly from: number;
  readonly until: number;
  readonly isLast: boolean;
}

function spansOf({ strips, lengthMs }: Film): Map<string, Span> {
  const spans = new Map<string, Span>();
  const percent = (ms: number) => Math.round((ms / lengthMs) * 100_000) / 1_000;
  for (const strip of strips) {
    const { fromMs, untilMs } = strip;
    if (fromMs === 0 && untilMs === lengthMs) continue;
    if (spans.has(spanKey(strip))) continue;
    const [from, until] = [percent(fromMs), percent(untilMs)];
    spans.set(spanKey(strip), {
      name: `s${spans.size}`,
      from,
      until,
      isLast: untilMs === lengthMs,
    });
  }
  return spans;
}

function spanKey({ fromMs, untilMs }: Strip): string {
  return `${fromMs} ${untilMs}`;
}

function drawStyle({ lengthMs }: Film, spans: ReadonlyMap<string, Span>): string {
  const rules = [...spans.values()].map(({ name, from, until, isLast }) => {
    const begin =
      from === 0 ? '0%{visibility:visible}' : `0%{visibility:hidden}${from}%{visibility:visible}`;
    const end = isLast ? '' : `${until}%{visibility:hidden}`;
    return `@keyframes ${name}{${begin}${end}}.${name}{animation-name:${name}}`;
  });
  return [
    `text{font:${FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;white-space:pre;fill:${COLOURS.usual}}`,
    `.name{font-size:13px;fill:${DIM};text-anchor:middle}`,
    `.strip{animation:${lengthMs}ms step-end infinite}.past{visibility:hidden}`,
    ...TONES.map((tone) => `.${tone}{fill:${COLOURS[tone]}}`),
    `.dim{fill:${DIM}}.bold{font-weight:700}`,
    ...rules,
    '@media(prefers-reduced-motion:reduce){.strip{animation:none}}',
  ].join('\n');
}

function drawStrip({ row, pieces }: Strip, span: Span | undefined): string {
  const drawn = pieces.map((piece) => drawPiece(piece, row)).join('');
  if (!span) return `<g>${drawn}</g>`;
  return `<g class="strip ${span.isLast ? '' : 'past '}${span.name}">${drawn}</g>`;
}

function drawPiece(piece: Piece, row: number): string {
  const x = round(PADDING + piece.column * CELL.width);
  const top = BAR_HEIGHT + row * CELL.height;
  const length = round([...piece.text].length * CELL.width);
  const back = piece.isInverse
    ? `<rect x="${x}" y="${top}" width="${length}" height="${CELL.height}" fill="${COLOURS.usual}"/>`
    : '';
  const classes = classesOf(piece);
  const look = classes === '' ? '' : ` class="${classes}"`;
  const fill = piece.isInverse ? ` style="fill:${BACKGROUND}"` : '';
  return `${back}<text x="${x}" y="${top + 14}" textLength="${length}"${look}${fill}>${escapeXml(piece.text)}</text>`;
}

function classesOf({ tone, isBold, isDim }: Piece): string {
  const named = tone === 'usual' ? [] : [tone];
  return [...named, ...(isDim ? ['dim'] : []), ...(isBold ? ['bold'] : [])].join(' ');
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}
