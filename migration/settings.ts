/**
 * The settings of a run, `relink start --set name=value`: how long it watches, and every threshold its
 * gates judge by. Defaults, limits and reasons are here and nowhere else; docs/settings.md lists
 * them. Unknown names are refused.
 */
import { editDistance } from '../runtime/editDistance.ts';
import { type FaultyField, MigrationError } from './errors.ts';

interface NumberSetting {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: 's' | 'ms' | 'messages' | 'rows' | 'attempts' | 'share' | 'times';
  readonly about: string;
}

const DAY_S = 86_400;
const HOUR_MS = 3_600_000;

const NUMBERS = {
  // How long a run watches and waits.
  soak_seconds: setting(10, 's', [0, 7 * DAY_S], 'watch all lanes with the way back still open'),
  canary_seconds: setting(5, 's', [0, DAY_S], 'watch each group of lanes after it has moved'),
  shadow_seconds: setting(3, 's', [0, DAY_S], 'compare shadow copies for at least this long'),
  patience_seconds: setting(30, 's', [0.1, DAY_S], 'wait for a gate that neither passes nor fails'),
  release_seconds: setting(
    3_600,
    's',
    [0.1, 30 * DAY_S],
    'wait until every live process runs a build that the next step needs',
  ),
  retry_seconds: setting(60, 's', [0, DAY_S], 'repeat a step whose calls do not get through'),
  release_hold_seconds: setting(
    15,
    's',
    [0, DAY_S],
    'going back, release lanes held longer than this: the route they leave may be broken',
  ),

  // How a run stores rows as another contract version has them.
  store_rows: setting(500, 'rows', [1, 5_000], 'rows stored in one transaction, which locks them'),
  store_pause_ms: setting(20, 'ms', [0, 60_000], 'pause between two such transactions'),

  // Thresholds of the gates that watch traffic.
  lag_limit_ms: setting(5_000, 'ms', [1, HOUR_MS], 'highest age of the oldest open message'),
  latency_limit_ms: setting(
    0,
    'ms',
    [0, HOUR_MS],
    'highest p99 from enqueue to receipt; 0 judges it by the baseline that preflight measured',
  ),
  // A healthy transport may well be slower than the other; a broken one is slower by far more.
  latency_times_baseline: setting(
    5,
    'times',
    [1, 1_000],
    'highest p99, as a multiple of the baseline',
  ),
  latency_floor_ms: setting(
    1_000,
    'ms',
    [0, HOUR_MS],
    'p99 that always passes: multiples of a small baseline are noise',
  ),
  error_rate_limit: setting(0.05, 'share', [0, 1], 'highest share of recent attempts that failed'),
  error_rate_min_attempts: setting(
    20,
    'attempts',
    [1, 1_000_000],
    'minimum sample; below it the rate is noise',
  ),
  error_rate_persist_seconds: setting(
    15,
    's',
    [0, DAY_S],
    'fail only when the rate stays above its limit this long: a restart is over sooner',
  ),
  // Shorter than the patience of a gate, so that it outlasts what waited while a service restarted.
  recent_seconds: setting(10, 's', [1, 60], 'what error rate and latency count as recent'),
  lane_messages: setting(
    5,
    'messages',
    [1, 1_000_000],
    'the lanes that just moved must settle at least this many by the new route',
  ),
  dead_letter_limit: setting(0, 'messages', [0, 1_000_000], 'tolerated number of new dead letters'),

  // Thresholds of the gates that compare.
  shadow_messages: setting(50, 'messages', [0, 1_000_000], 'compare at least this many copies'),
  effect_difference_limit: setting(
    0,
    'share',
    [0, 1],
    'tolerated share of copies with another effect, of handlers that do not say what they based it on',
  ),
  reads_behind_limit: setting(
    0.5,
    'share',
    [0, 1],
    'tolerated share of sampled values that are older than the owner has them; above it the replica is not fed',
  ),
  gate_command_seconds: setting(10, 's', [1, 300], 'time limit of gate_command'),
} as const satisfies Record<string, NumberSetting>;

function setting(
  value: number,
  unit: NumberSetting['unit'],
  [min, max]: readonly [number, number],
  about: string,
): NumberSetting {
  return { default: value, unit, min, max, about };
}

const ON_FAIL = ['rollback', 'pause'] as const;
const ALLOW_IDLE = ['0', '1'] as const;
const ALLOW_FEWER_REPLICAS = ['0', '1'] as const;
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  on_fail: ON_FAIL,
  allow_idle: ALLOW_IDLE,
  allow_fewer_replicas: ALLOW_FEWER_REPLICAS,
};
/** One line of a shell; longer commands belong in a script. */
const COMMAND = /^[^\p{Cc}]{0,1000}$/u;
const MAX_SUGGESTION_DISTANCE = 3; // edits; further away is not a typo

export type NumberName = keyof typeof NUMBERS;

export type Settings = { readonly [K in NumberName]: number } & {
  readonly on_fail: (typeof ON_FAIL)[number];
  /** `1`: where there is no traffic, a probe through the transport is evidence enough. */
  readonly allow_idle: (typeof ALLOW_IDLE)[number];
  /** `1`: a functional link may move onto a stream with fewer replicas than it demands. */
  readonly allow_fewer_replicas: (typeof ALLOW_FEWER_REPLICAS)[number];
  /** A shell command that is asked during the soak, see gates/command.ts; empty for none. */
  readonly gate_command: string;
  /** Log files to search when fields are erased, a glob on the operator's machine; empty for none. */
  readonly log_files: string;
};

/** Settings that are texts. */
const TEXTS = {
  on_fail: ON_FAIL[0],
  allow_idle: ALLOW_IDLE[0],
  allow_fewer_replicas: ALLOW_FEWER_REPLICAS[0],
  gate_command: '',
  log_files: '',
} as const;

export const SETTING_NAMES: readonly string[] = [...Object.keys(NUMBERS), ...Object.keys(TEXTS)];

/** These settings over the defaults: a run that an older release started lacks the newer ones. */
export function withDefaults(settings: Partial<Settings>): Settings {
  const numbers = Object.entries(NUMBERS).map(([name, one]) => [name, one.default]);
  return { ...TEXTS, ...Object.fromEntries(numbers), ...settings };
}

/**
 * Texts such as `{ soak_seconds: '5' }` over the defaults. Throws REQUEST_INVALID with all faults.
 */
export function parseSettings(texts: Readonly<Record<string, string>>): Settings {
  const faults: FaultyField[] = [];
  const given: Record<string, number | string> = {};
  for (const [name, text] of Object.entries(texts)) {
    const fault = faultOf(name, text);
    if (fault) faults.push({ field: `settings.${name}`, description: fault });
    else given[name] = name in TEXTS ? text : Number(text);
  }
  const settings = withDefaults(given as Partial<Settings>);
  faults.push(...shortWindows(settings));
  if (faults.length > 0) {
    const lines = faults.map(({ field, description }) => `${field} ${description}`);
    throw new MigrationError('REQUEST_INVALID', lines.join('; '), { fields: faults });
  }
  return settings;
}

/** A message that stands still would be younger than the limit when the window ends. */
function shortWindows(settings: Settings): FaultyField[] {
  const windows = ['canary_seconds', 'soak_seconds'] as const;
  return windows
    .filter((name) => settings[name] * 1_000 < settings.lag_limit_ms)
    .map((name) => ({
      field: `settings.${name}`,
      description:
        `(${settings[name]} s) is shorter than lag_limit_ms (${settings.lag_limit_ms} ms), which it judges: ` +
        'raise it or lower that',
    }));
}

function faultOf(name: string, text: string): string | undefined {
  const choices = CHOICES[name];
  if (choices) return choices.includes(text) ? undefined : `must be ${choices.join(' or ')}`;
  if (name === 'gate_command' || name === 'log_files')
    return COMMAND.test(text) ? undefined : 'must be one line of at most 1000 characters';
  const known = (NUMBERS as Record<string, NumberSetting>)[name];
  if (!known) return suggestionFor(name);
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= known.min && value <= known.max) return undefined;
  return `must be a number from ${known.min} to ${known.max} (${known.about})`;
}

function suggestionFor(name: string): string {
  const [best] = SETTING_NAMES.map((known) => ({
    known,
    distance: editDistance(name, known),
  })).sort((a, b) => a.distance - b.distance);
  return best && best.distance <= MAX_SUGGESTION_DISTANCE
    ? `is unknown; did you mean ${best.known}?`
    : `is unknown; known are ${SETTING_NAMES.join(', ')}`;
}

export interface DescribedSetting extends NumberSetting {
  readonly name: NumberName;
}

/** Every numeric setting with its default, for people who choose. */
export function describeSettings(): DescribedSetting[] {
  return Object.entries(NUMBERS).map(([name, one]) => ({ name: name as NumberName, ...one }));
}
