/** The options of `npm run demo`. */
import { parseArgs } from 'node:util';
import { NATS_NODES } from '../dev/startOptions.ts';
import { DEMO_MOVES, type LinkMove, VERSION_MOVES } from './migrations/moves.ts';

export const DEMO_USAGE = `usage: npm run demo -- [options]

  --only LINK     move only this link (COMM-010); repeat it or use commas for more
  --rate N        live requests a second (60)
  --seconds N     how long to measure traffic before and after the moves, and to watch
                  each new route before the old one is removed (3)
  --managers N    managers to start with, and a tenth as many assessments (400)
  --nats-nodes N  1, or a NATS cluster of 3 (1)
  --keep          keep everything running after the report, until Ctrl-C
  --json          print the report as JSON on standard output`;

const MAX_RATE = 10_000;
const MAX_SECONDS = 3_600;
/** The databases are compared in memory, which takes about a gigabyte at this number. */
const MAX_MANAGERS = 1_000_000;

export interface DemoOptions {
  /** Links to move, each to another transport and, when all have moved, back in reverse order. */
  readonly moves: readonly LinkMove[];
  /** Links to move to their newest contract version afterwards. */
  readonly versionMoves: readonly LinkMove[];
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly managers: number;
  readonly natsNodes: number;
  readonly keep: boolean;
  readonly json: boolean;
}

/** Throws a RangeError or TypeError that says what is wrong. */
export function readDemoOptions(args: string[]): DemoOptions {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true },
      rate: { type: 'string', default: '60' },
      seconds: { type: 'string', default: '3' },
      managers: { type: 'string', default: '400' },
      'nats-nodes': { type: 'string', default: '1' },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    moves: chooseMoves(values.only, DEMO_MOVES),
    versionMoves: chooseMoves(values.only, VERSION_MOVES),
    ratePerSecond: readNumber('--rate', values.rate, 1, MAX_RATE),
    seconds: readNumber('--seconds', values.seconds, 0, MAX_SECONDS),
    managers: readNumber('--managers', values.managers, 1, MAX_MANAGERS),
    natsNodes: readNodes(values['nats-nodes']),
    keep: values.keep,
    json: values.json,
  };
}

function chooseMoves(
  only: readonly string[] | undefined,
  moves: readonly LinkMove[],
): readonly LinkMove[] {
  if (only === undefined) return moves;
  const wanted = only.flatMap((one) => one.split(',')).map((one) => one.trim().toUpperCase());
  const known = DEMO_MOVES.map(({ link }) => link);
  const unknown = wanted.filter((one) => !known.includes(one));
  if (unknown.length > 0)
    throw new RangeError(`--only takes some of ${known.join(', ')}, not "${unknown.join(', ')}"`);
  return moves.filter(({ link }) => wanted.includes(link));
}

function readNodes(text: string): number {
  if (NATS_NODES.includes(text)) return Number(text);
  throw new RangeError(`--nats-nodes takes one of ${NATS_NODES.join(', ')}, not "${text}"`);
}

function readNumber(flag: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isInteger(number) && number >= least && number <= most)
    return number;
  throw new RangeError(`${flag} takes a whole number from ${least} to ${most}, not "${text}"`);
}
