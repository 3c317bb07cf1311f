/**
 * Failpoints mark the crash windows of the protocol: the places between two effects where a crash,
 * a pause or an error must do no harm. A test names a window instead of sleeping and hoping.
 *
 * Off costs one boolean check. On, an action is armed by name, by a test in the same process
 * (armFailpoint) or for a child process by RELINK_FAILPOINTS (armFailpoints):
 *
 * RELINK_FAILPOINTS="relay.after-publish=kill@3,inbox.before-commit=pause:500"
 *
 * Every name is declared by the file that owns the window, so that a misspelt name is refused and
 * does not just never fire.
 */
import { CodedError } from './errors.ts';

/** What happens at an armed failpoint. `@n` limits it to the n-th time the point is reached. */
export type FailpointAction =
  | { do: 'kill' } // SIGKILL to this process: no clean-up of any kind
  | { do: 'exit' } // process.exit(EXIT_CODE): exit handlers run
  | { do: 'throw' }
  | { do: 'pause'; ms: number }
  | { do: 'hold' } // in-process tests: waits until `release()`
  | { do: 'watch' }; // only counts and signals

const EXIT_CODE = 86; // a code that nothing else uses, so that a test knows what ended the process
const MAX_PAUSE_MS = 600_000; // a longer pause is a typo, not a test

export class FailpointError extends CodedError<'fired' | 'unknown_name' | 'bad_action'> {}

interface Point {
  hits: number;
  action: FailpointAction | undefined;
  /** The hit at which the action fires; undefined: every hit. */
  atHit: number | undefined;
  reached: PromiseWithResolvers<void>;
  held: PromiseWithResolvers<void>;
}

const points = new Map<string, Point>();
let armedCount = 0;

/** Declares the names of a file's crash windows. Repeating a name is harmless. */
export function declareFailpoints(...names: string[]): void {
  for (const name of names) {
    if (!points.has(name)) points.set(name, newPoint());
  }
}

/** All declared names, sorted. */
export function failpointNames(): string[] {
  return [...points.keys()].sort();
}

/** A crash window. Returns undefined (nothing to await) unless something is armed. */
export function failpoint(name: string): Promise<void> | undefined {
  return armedCount === 0 ? undefined : reach(name);
}

/** A crash window in synchronous code. `pause` and `hold` are refused here. */
export function failpointSync(name: string): void {
  if (armedCount === 0) return;
  const action = countHit(name);
  if (action === undefined) return;
  if (action.do === 'pause' || action.do === 'hold') {
    throw new FailpointError('bad_action', `failpoint ${name} is synchronous: it cannot wait`);
  }
  fire(name, action);
}

/**
 * Arms a failpoint in this process. `atHit` (1 = the next time) limits it to one hit.
 * Throws FailpointError `unknown_name`.
 */
export function armFailpoint(
  name: string,
  action: FailpointAction,
  atHit?: number,
): ArmedFailpoint {
  const point = requirePoint(name);
  if (point.action === undefined) armedCount += 1;
  point.held.resolve();
  Object.assign(point, newPoint(), { action, atHit });
  return {
    release: () => point.held.resolve(),
    disarm: () => disarm(point),
  };
}

export interface ArmedFailpoint {
  /** Releases callers held at the point; later hits are not held either. */
  release(): void;
  /** Switches the point off and releases callers held there. Safe to call twice. */
  disarm(): void;
}

/**
 * Resolves when the point is first reached after it was armed (at once if it was already). A point
 * that is not armed is watched from now on.
 */
export function failpointReached(name: string): Promise<void> {
  const point = requirePoint(name);
  if (point.action === undefined) armFailpoint(name, { do: 'watch' });
  return point.reached.promise;
}

/** Switches everything off; for the end of a test. */
export function disarmFailpoints(): void {
  for (const point of points.values()) disarm(point);
}

/**
 * Arms what a RELINK_FAILPOINTS text says: `name=kill|throw|exit|pause:ms[@n]`, comma separated.
 * Throws FailpointError naming the part that is wrong; nothing is armed then.
 */
export function armFailpoints(text: string): void {
  const parts = text.split(',').flatMap((part) => part.trim() || []);
  const parsed = parts.map(parsePart);
  for (const { name, action, atHit } of parsed) armFailpoint(name, action, atHit);
}

function parsePart(part: string) {
  const match = /^(?<name>[^=]+)=(?<verb>[a-z]+)(?::(?<ms>\d+))?(?:@(?<hit>[1-9]\d*))?$/.exec(part);
  const { name = '', verb = '', ms, hit } = match?.groups ?? {};
  const action = parseAction(verb, ms);
  if (match === null || action === undefined) {
    throw new FailpointError('bad_action', `"${part}" is not name=kill|throw|exit|pause:ms[@n]`);
  }
  requirePoint(name);
  return { name, action, atHit: hit === undefined ? undefined : Number(hit) };
}

function parseAction(verb: string, ms: string | undefined): FailpointAction | undefined {
  if (verb === 'pause' && ms !== undefined && Number(ms) <= MAX_PAUSE_MS) {
    return { do: 'pause', ms: Number(ms) };
  }
  if (ms !== undefined) return undefined;
  return verb === 'kill' || verb === 'throw' || verb === 'exit' ? { do: verb } : undefined;
}

function reach(name: string): Promise<void> | undefined {
  const action = countHit(name);
  if (action === undefined) return undefined;
  if (action.do === 'pause') return new Promise((resolve) => setTimeout(resolve, action.ms));
  if (action.do === 'hold') return requirePoint(name).held.promise;
  fire(name, action);
  return undefined;
}

function countHit(name: string): FailpointAction | undefined {
  const point = requirePoint(name);
  if (point.action === undefined) return undefined;
  point.hits += 1;
  if (point.atHit !== undefined && point.hits !== point.atHit) return undefined;
  point.reached.resolve();
  return point.action;
}

function fire(name: string, action: FailpointAction): void {
  if (action.do === 'kill') process.kill(process.pid, 'SIGKILL');
  if (action.do === 'exit') process.exit(EXIT_CODE);
  if (action.do === 'throw') throw new FailpointError('fired', `failpoint ${name}`);
}

function requirePoint(name: string): Point {
  const point = points.get(name);
  if (point !== undefined) return point;
  const known = failpointNames().join(', ') || 'none';
  throw new FailpointError('unknown_name', `no failpoint "${name}"; declared here: ${known}`);
}

function disarm(point: Point): void {
  if (point.action === undefined) return;
  armedCount -= 1;
  point.held.resolve();
  Object.assign(point, newPoint());
}

function newPoint(): Point {
  const reached = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  return { hits: 0, action: undefined, atHit: undefined, reached, held };
}
