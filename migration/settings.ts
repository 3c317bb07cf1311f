/** The tunings of a run: defaults, limits and why in one place. Unknown names are refused. */
import { editDistance } from '../runtime/config.ts';
import { type FaultyField, MigrationError } from './errors.ts';

interface NumberSetting {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly about: string;
}

const DAY_S = 86_400;

const NUMBERS = {
  soak_seconds: { default: 10, min: 0, max: 7 * DAY_S, about: 'all lanes moved, way back open' },
  canary_seconds: { default: 3, min: 0, max: DAY_S, about: 'watch after each group of lanes' },
  shadow_seconds: { default: 3, min: 0, max: DAY_S, about: 'least time copies are compared' },
  shadow_messages: { default: 50, min: 0, max: 1_000_000, about: 'least number of equal copies' },
  patience_seconds: { default: 30, min: 0.1, max: DAY_S, about: 'a gate without an answer' },
  retry_seconds: {
    default: 60,
    min: 0,
    max: DAY_S,
    about: 'a step whose calls do not get through',
  },
  release_hold_seconds: {
    default: 15,
    min: 0,
    max: DAY_S,
    about: 'going back: lanes held longer are released, as the route they leave may be broken',
  },
  lag_limit_ms: { default: 5_000, min: 1, max: 3_600_000, about: 'age of the oldest open message' },
  latency_limit_ms: {
    default: 0,
    min: 0,
    max: 3_600_000,
    about: 'p99 from enqueue to receipt; 0: against the baseline measured before',
  },
  error_rate_limit: { default: 0.05, min: 0, max: 1, about: 'failed share of all dispatches' },
  effect_difference_limit: {
    default: 0,
    min: 0,
    max: 1,
    about:
      'share of copies with another effect, for handlers that do not say what they based it on',
  },
  gate_command_seconds: { default: 10, min: 1, max: 300, about: 'a run of gate_command' },
  dead_letter_limit: { default: 0, min: 0, max: 1_000_000, about: 'new dead letters' },
} as const satisfies Record<string, NumberSetting>;

const ON_FAIL = ['rollback', 'pause'] as const;
/** One line of a shell; what is longer belongs in a script. */
const COMMAND = /^[^\p{Cc}]{0,1000}$/u;
const MAX_SUGGESTION_DISTANCE = 3; // edits; further away is no misprint

export type Settings = { readonly [K in keyof typeof NUMBERS]: number } & {
  readonly on_fail: (typeof ON_FAIL)[number];
  /** A shell command that is asked during the soak, see gates/command.ts; empty for none. */
  readonly gate_command: string;
};

/** Settings that are texts. */
const TEXTS = { on_fail: ON_FAIL[0], gate_command: '' } as const;

export const SETTING_NAMES: readonly string[] = [...Object.keys(NUMBERS), ...Object.keys(TEXTS)];

/**
 * Texts such as `{ soak_seconds: '5' }` over the defaults. Throws REQUEST_INVALID with all faults.
 */
export function parseSettings(texts: Readonly<Record<string, string>>): Settings {
  const faults: FaultyField[] = [];
  const settings: Record<string, number | string> = { ...TEXTS };
  for (const [name, { default: value }] of Object.entries(NUMBERS)) settings[name] = value;
  for (const [name, text] of Object.entries(texts)) {
    const fault = faultOf(name, text);
    if (fault) faults.push({ field: `settings.${name}`, description: fault });
    else settings[name] = name in TEXTS ? text : Number(text);
  }
  if (faults.length > 0) {
    const lines = faults.map(({ field, description }) => `${field} ${description}`);
    throw new MigrationError('REQUEST_INVALID', lines.join('; '), { fields: faults });
  }
  return settings as unknown as Settings;
}

function faultOf(name: string, text: string): string | undefined {
  if (name === 'on_fail')
    return ON_FAIL.some((one) => one === text) ? undefined : `must be ${ON_FAIL.join(' or ')}`;
  if (name === 'gate_command')
    return COMMAND.test(text) ? undefined : 'must be one line of at most 1000 characters';
  const setting = (NUMBERS as Record<string, NumberSetting>)[name];
  if (!setting) return suggestionFor(name);
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= setting.min && value <= setting.max) return undefined;
  return `must be a number from ${setting.min} to ${setting.max} (${setting.about})`;
}

function suggestionFor(name: string): string {
  const [best] = SETTING_NAMES.map((known) => ({
    known,
    distance: editDistance(name, known),
  })).sort((a, b) => a.distance - b.distance);
  return best && best.distance <= MAX_SUGGESTION_DISTANCE
    ? `is not known; did you mean ${best.known}?`
    : `is not known; known are ${SETTING_NAMES.join(', ')}`;
}

/** Every numeric setting with its default, for people who choose. */
export function describeSettings(): { name: string; default: number; about: string }[] {
  return Object.entries(NUMBERS).map(([name, { default: value, about }]) => ({
    name,
    default: value,
    about,
  }));
}
