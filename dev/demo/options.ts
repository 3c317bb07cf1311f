/** What `npm run demo` may be told. */
import { parseArgs } from 'node:util';

export const DEMO_USAGE = `usage: npm run demo -- [options]

  --only LINK     moves only this link (COMM-010)
  --rate N        live requests a second (200)
  --seconds N     how long traffic is measured before and after the moves (5)
  --managers N    managers registered before (10000)
  --keep          leaves everything up after the report, until Ctrl-C
  --json          the report as JSON on standard output`;

const MAX_RATE = 10_000;
const MAX_SECONDS = 3_600;
/** The databases are compared in memory: about a gigabyte at this number. */
const MAX_MANAGERS = 1_000_000;

/** A link and the transports it is moved to, one after the other. */
export type LinkMoves = { readonly link: string; readonly to: readonly string[] };

/** The moves of the demo in their order. */
export const DEMO_MOVES: readonly LinkMoves[] = [{ link: 'COMM-010', to: ['async', 'sync'] }];

export type DemoOptions = {
  readonly moves: readonly LinkMoves[];
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly managers: number;
  readonly keep: boolean;
  readonly json: boolean;
};

/** Throws a RangeError or TypeError that says what does not fit. */
export function readDemoOptions(args: string[]): DemoOptions {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      rate: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '5' },
      managers: { type: 'string', default: '10000' },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    moves: chooseMoves(values.only),
    ratePerSecond: readNumber('--rate', values.rate, 1, MAX_RATE),
    seconds: readNumber('--seconds', values.seconds, 0, MAX_SECONDS),
    managers: readNumber('--managers', values.managers, 0, MAX_MANAGERS),
    keep: values.keep,
    json: values.json,
  };
}

function chooseMoves(only: string | undefined): readonly LinkMoves[] {
  if (only === undefined) return DEMO_MOVES;
  const chosen = DEMO_MOVES.filter(({ link }) => link === only.toUpperCase());
  if (chosen.length > 0) return chosen;
  const known = DEMO_MOVES.map(({ link }) => link).join(', ');
  throw new RangeError(`--only takes one of ${known}, not "${only}"`);
}

function readNumber(flag: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isInteger(number) && number >= least && number <= most)
    return number;
  throw new RangeError(`${flag} takes a whole number from ${least} to ${most}, not "${text}"`);
}
