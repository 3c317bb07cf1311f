/** The options of `npm start`. */

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LOG_LEVELS } from '../runtime/log.ts';
import { DEFAULT_PORT_BASE } from './ports.ts';
import { STACK_DIR } from './servers/folders.ts';
import { OPERATOR, SERVICES } from './services.ts';

export const START_USAGE = `usage: npm start -- [options]

  --fresh        delete the data of earlier starts
  --traffic N    live traffic of N requests a second
  --replicas N   processes of each service (1)
  --nats-nodes N 1, or a NATS cluster of 3 with three replicas of each stream (1)
  --port-base N  shift all ports; the operator's gRPC is on N + 1 (${DEFAULT_PORT_BASE})
  --data DIR     keep the data there instead of in .relink/
  --json         print the addresses as one line of JSON on standard output

For development (docs/development.md):

  --watch        restart a process when a file that it loads changes
  --inspect NAME open Node's inspector on the first process of a service or the operator
  --log-level L  ${LOG_LEVELS.join(', ')} (info)
  --failpoint NAME:POINT=ACTION
                 arm a crash window in all processes of a service or in the operator`;

/** More processes would exceed the connections of one PostgreSQL. */
const MAX_REPLICAS = 8;
/** Two would stand still without either. */
export const NATS_NODES: readonly string[] = ['1', '3'];
const MAX_TRAFFIC_PER_SECOND = 10_000;

export interface StartOptions {
  fresh: boolean;
  json: boolean;
  traffic: number;
  replicas: number;
  natsNodes: number;
  portBase: number;
  dataDir: string;
  watch: boolean;
  /** Services, or the operator, whose first process gets an inspector. */
  inspect: readonly string[];
  logLevel: string;
  /** RELINK_FAILPOINTS by service, or the operator. */
  failpoints: Readonly<Record<string, string>>;
}

/** Reads the arguments; throws an Error whose message says what is wrong. */
export function readStartOptions(args: string[]): StartOptions {
  const { values } = parseArgs({
    args,
    options: {
      fresh: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      traffic: { type: 'string', default: '0' },
      replicas: { type: 'string', default: '1' },
      'nats-nodes': { type: 'string', default: '1' },
      data: { type: 'string', default: STACK_DIR },
      'port-base': { type: 'string', default: String(DEFAULT_PORT_BASE) },
      watch: { type: 'boolean', default: false },
      inspect: { type: 'string', multiple: true, default: [] },
      'log-level': { type: 'string', default: 'info' },
      failpoint: { type: 'string', multiple: true, default: [] },
    },
  });
  return {
    fresh: values.fresh,
    json: values.json,
    traffic: readNumber('--traffic', values.traffic, 0, MAX_TRAFFIC_PER_SECOND),
    dataDir: resolve(values.data),
    replicas: readNumber('--replicas', values.replicas, 1, MAX_REPLICAS),
    natsNodes: Number(oneOf('--nats-nodes', values['nats-nodes'], NATS_NODES)),
    portBase: readNumber('--port-base', values['port-base'], 1024, 65_535),
    watch: values.watch,
    inspect: readNames('--inspect', values.inspect),
    logLevel: oneOf('--log-level', values['log-level'], LOG_LEVELS),
    failpoints: readFailpoints(values.failpoint),
  };
}

function readNumber(flag: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new RangeError(`${flag} takes a whole number from ${least} to ${most}, not "${text}"`);
}

function oneOf(flag: string, text: string, known: readonly string[]): string {
  if (known.includes(text)) return text;
  throw new RangeError(`${flag} takes one of ${known.join(', ')}, not "${text}"`);
}

/** `hiring,bonuses`, or the option given twice. */
function readNames(flag: string, texts: readonly string[]): string[] {
  const names = texts.flatMap((text) => text.split(','));
  return [...new Set(names.map((name) => oneOf(flag, name.trim(), programNames())))];
}

/**
 * `hiring:relay.after-publish=kill@3`; a point's name and action are checked by the process itself.
 */
function readFailpoints(texts: readonly string[]): Record<string, string> {
  const armed: Record<string, string> = {};
  for (const text of texts) {
    const [, name = '', point = ''] = /^([^:=]+):(.+=.+)$/.exec(text) ?? [];
    if (point === '') throw new RangeError(`--failpoint takes NAME:POINT=ACTION, not "${text}"`);
    oneOf('--failpoint', name, programNames());
    armed[name] = armed[name] === undefined ? point : `${armed[name]},${point}`;
  }
  return armed;
}

function programNames(): string[] {
  return [...SERVICES.map(({ name }) => name), OPERATOR.name];
}
