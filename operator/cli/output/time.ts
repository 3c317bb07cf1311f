/** Moments and durations as a person reads them: local time, and how long ago. */
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const UNITS = [
  { name: 's', lengthMs: SECOND_MS },
  { name: 'min', lengthMs: MINUTE_MS },
  { name: 'h', lengthMs: HOUR_MS },
  { name: 'd', lengthMs: DAY_MS },
] as const;
const TENTHS_BELOW_MS = 10 * SECOND_MS; // from here on a tenth of a second says nothing

/** `250 ms`, `1.2 s`, `12 s`, `3 min 5 s`, `2 h 5 min`, `4 d`. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < TENTHS_BELOW_MS) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return inTwo(ms, MINUTE_MS, 'min', SECOND_MS, 's');
  if (ms < DAY_MS) return inTwo(ms, HOUR_MS, 'h', MINUTE_MS, 'min');
  return inTwo(ms, DAY_MS, 'd', HOUR_MS, 'h');
}

function inTwo(ms: number, large: number, name: string, small: number, smallName: string) {
  const rest = Math.floor((ms % large) / small);
  const first = `${Math.floor(ms / large)} ${name}`;
  return rest === 0 ? first : `${first} ${rest} ${smallName}`;
}

/** Milliseconds from a moment to `now`; undefined when one of them is none. */
export function elapsedMs(from: string, now: number): number | undefined {
  const moment = Date.parse(from);
  return Number.isNaN(now - moment) ? undefined : now - moment;
}

/** `since 12 s`, in whole seconds so that a live view does not flicker; empty without a moment. */
export function formatSince(from: string, now: number): string {
  const ms = elapsedMs(from, now);
  if (ms === undefined) return '';
  const seconds = Math.max(0, Math.floor(ms / SECOND_MS));
  return `since ${seconds < 10 ? `${seconds} s` : formatDuration(seconds * SECOND_MS)}`;
}

/** `12 s ago`, in one unit; `–` without a moment. */
export function formatAgo(from: string, now: number): string {
  const ms = elapsedMs(from, now);
  if (ms === undefined) return '–';
  const unit = UNITS.findLast(({ lengthMs }) => ms >= lengthMs) ?? UNITS[0];
  return `${Math.floor(Math.max(0, ms) / unit.lengthMs)} ${unit.name} ago`;
}

/** Local `14:03:07`, with the day before it when that is another one; `–` without a moment. */
export function formatMoment(moment: string, now: number): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return '–';
  const two = (value: number) => String(value).padStart(2, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  if (date.toDateString() === new Date(now).toDateString()) return time;
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${time}`;
}
