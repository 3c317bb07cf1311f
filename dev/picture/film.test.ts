import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT_DIR } from '../servers/folders.ts';
import { cutFilm, type Shot } from './film.ts';
import { drawFilm } from './filmSvg.ts';
import { type Screen, Terminal } from './terminal.ts';

const SIZE = { columns: 20, rows: 3 };
const PACE = { longestMs: 300, shortestMs: 50 };

async function see(...texts: string[]): Promise<Screen> {
  const terminal = new Terminal(SIZE);
  for (const text of texts) await terminal.write(text);
  const screen = terminal.screen();
  terminal.close();
  return screen;
}

const look = { tone: 'usual', isBold: false, isDim: false, isInverse: false } as const;

test('colours, weights and places of text are kept, blanks between columns are not text', async () => {
  const [line] = await see('\u001b[1mCOMM-010\u001b[22m   \u001b[32m✓\u001b[39m \u001b[2m9 ms');
  assert.deepEqual(line, [
    { ...look, column: 0, text: 'COMM-010', isBold: true },
    { ...look, column: 11, text: '✓', tone: 'green' },
    { ...look, column: 13, text: '9 ms', isDim: true },
  ]);
});

test('lines that are drawn again in place take the place of the old ones', async () => {
  const screen = await see('one\r\ntwo\r\n', '\u001b[2A\rONE\u001b[K\r\n\u001b[J');
  assert.deepEqual(
    screen.map((line) => line.map(({ text }) => text)),
    [['ONE'], [], []],
  );
});

const shotOf = (atMs: number, lines: string[], more: Partial<Shot> = {}): Shot => ({
  atMs,
  screen: lines.map((text) => (text === '' ? [] : [{ ...look, column: 0, text }])),
  ...more,
});

test('a line is one strip while it stays the same; waits are cut, sped up or held', () => {
  const film = cutFilm(
    [
      shotOf(1_000, ['title', 'a']),
      shotOf(1_200, ['title', 'b']), // for 4 s
      shotOf(5_200, ['title', 'c'], { speed: 10 }),
      shotOf(6_200, ['title', 'd'], { holdMs: 900 }),
    ],
    PACE,
  );
  assert.equal(film.lengthMs, 200 + 300 + 100 + 900);
  assert.deepEqual(
    film.strips.map(({ row, pieces, fromMs, untilMs }) => [row, pieces[0]!.text, fromMs, untilMs]),
    [
      [0, 'title', 0, 1_500],
      [1, 'a', 0, 200],
      [1, 'b', 200, 500],
      [1, 'c', 500, 600],
      [1, 'd', 600, 1_500],
    ],
  );
});

test('of screens that follow each other too fast the last one is shown, for the time of all', () => {
  const film = cutFilm(
    [shotOf(0, ['a']), shotOf(20, ['b']), shotOf(40, ['c']), shotOf(140, ['d'], { holdMs: 100 })],
    PACE,
  );
  assert.deepEqual(
    film.strips.map(({ pieces, fromMs, untilMs }) => [pieces[0]!.text, fromMs, untilMs]),
    [
      ['c', 0, 140],
      ['d', 140, 240],
    ],
  );
});

test('without animation only the last screen is seen; text is escaped and on the grid', () => {
  const film = cutFilm(
    [shotOf(0, ['same', 'old']), shotOf(100, ['same', '<new> & "quoted"'], { holdMs: 100 })],
    PACE,
  );
  const svg = drawFilm(film, { ...SIZE, title: 'a', description: 'b' });
  assert.match(svg, /<g><text [^>]*>same</);
  assert.match(svg, /<g class="strip past s0"><text [^>]*>old</);
  assert.match(
    svg,
    /<g class="strip s1"><text x="18" y="69" textLength="134.4">&lt;new&gt; &amp; /,
  );
  assert.match(svg, /@keyframes s1\{0%\{visibility:hidden\}50%\{visibility:visible\}\}/);
});

test('the recorded move is small, needs nothing from elsewhere and ends with equal sides', () => {
  const svg = readFileSync(join(PROJECT_DIR, 'docs', 'pictures', 'move.svg'), 'utf8');
  assert.ok(svg.length < 300_000, `${svg.length} bytes`);
  assert.doesNotMatch(svg, /<script|<foreignObject|href=|url\((?!#)|@import|@font-face/);
  assert.match(svg, /<g class="strip s\d+">.*both sides are equal/);
});
