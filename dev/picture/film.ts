/** Screens with times become a film: quick where nothing happens, slow where there is much to read. */
import type { Piece, Screen } from './terminal.ts';

/** A screen as it was from `atMs` on. */
export interface Shot {
  readonly atMs: number;
  readonly screen: Screen;
  /** Until the next shot time runs so much quicker; 1 unless given. */
  readonly speed?: number;
  /** Shown exactly so long, for reading. */
  readonly holdMs?: number;
}

/** A line of the screen in one state, from and until a moment of the film. */
export interface Strip {
  readonly row: number;
  readonly pieces: readonly Piece[];
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Film {
  readonly lengthMs: number;
  readonly strips: readonly Strip[];
}

export interface Pace {
  /** Longer waits are shortened to this. */
  readonly longestMs: number;
  /** Screens that follow each other faster are one: the last of them. */
  readonly shortestMs: number;
}

/** Every line of every screen, as strips that last while the line stays the same. */
export function cutFilm(shots: readonly Shot[], pace: Pace): Film {
  const timed = timeShots(shots, pace);
  const lengthMs = timed.at(-1)?.untilMs ?? 0;
  const rows = Math.max(0, ...shots.map(({ screen }) => screen.length));
  const strips = Array.from({ length: rows }, (_, row) => stripsOf(row, timed)).flat();
  return { lengthMs, strips: strips.filter(({ pieces }) => pieces.length > 0) };
}

interface TimedShot {
  readonly screen: Screen;
  readonly fromMs: number;
  readonly untilMs: number;
}

function timeShots(shots: readonly Shot[], { longestMs, shortestMs }: Pace): TimedShot[] {
  const timed: TimedShot[] = [];
  let fromMs = 0;
  let waitedMs = 0;
  for (const [at, { atMs, screen, speed = 1, holdMs }] of shots.entries()) {
    const tookMs = ((shots[at + 1]?.atMs ?? atMs) - atMs) / speed;
    waitedMs += Math.min(tookMs, longestMs);
    if (holdMs === undefined && waitedMs < shortestMs && at < shots.length - 1) continue;
    const untilMs = fromMs + Math.round(holdMs ?? waitedMs);
    timed.push({ screen, fromMs, untilMs });
    [fromMs, waitedMs] = [untilMs, 0];
  }
  return timed;
}

function stripsOf(row: number, shots: readonly TimedShot[]): Strip[] {
  const strips: Strip[] = [];
  let lastKey = '';
  for (const { screen, fromMs, untilMs } of shots) {
    const pieces = screen[row] ?? [];
    const key = JSON.stringify(pieces);
    const last = strips.at(-1);
    if (last && key === lastKey) strips[strips.length - 1] = { ...last, untilMs };
    else strips.push({ row, pieces, fromMs, untilMs });
    lastKey = key;
  }
  return strips;
}
