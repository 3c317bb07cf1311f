/**
 * A process has one typed config object. The names of its variables follow from its properties:
 * `postgresUrl` is RELINK_POSTGRES_URL.
 *
 * Text becomes values by the property's schema type:
 * integer, number, boolean (true/false/1/0/yes/no/on/off), string,
 * object: `service=host:port|host:port,service2=[::1]:port` → { service: ['host:port', …], … }
 * array:  `a,b,c`
 * An empty variable counts as not set. NAME_FILE names a file that holds the value of NAME.
 */
import { randomBytes } from 'node:crypto';
import {
  Ajv2020,
  type ErrorObject,
  type JSONSchemaType,
  type SchemaObject,
} from 'ajv/dist/2020.js';
import { splitAddress } from './address.ts';
import { editDistance } from './editDistance.ts';
import { wholeEnvironment } from './environment.ts';
import { CodedError, messageOf } from './errors.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';
import { type ConfigProblem, readFiles, withPassword } from './secrets.ts';

const PREFIX = 'RELINK_';
const MAX_SUGGESTION_DISTANCE = 4; // edits; a name further away is not a likely typo
const ADDRESS = 'address'; // the name of what splitAddress reads, among the formats of a schema
const INSTANCE_BYTES = 4; // 8 hex digits: enough to tell the processes of a service apart

/** A schema for each property of a config object. One that has no default must be set. */
export type ConfigProperties<T> = {
  readonly [K in keyof T]: JSONSchemaType<T[K]> & { readonly default?: T[K] };
};

/** What every service process reads. */
export interface BaseConfig {
  readonly host: string;
  readonly port: number;
  readonly httpPort: number;
  readonly postgresUrl: string;
  /** Empty in what `loadConfig` returns: it is in the URL then. */
  readonly postgresPassword: string;
  readonly natsUrl: string;
  /** As `postgresPassword`. */
  readonly natsPassword: string;
  readonly instance: string;
  /** Addresses of each other service. */
  readonly peers: Readonly<Record<string, readonly string[]>>;
  readonly logLevel: LogLevel;
  readonly failpoints: string;
  readonly release: string;
  readonly historyDays: number;
  readonly windowMb: number;
  readonly streamReplicas: number;
  readonly production: boolean;
  readonly horizonDays: number;
}

/** Spread into the service's own properties. */
export const baseConfigProperties: ConfigProperties<BaseConfig> = {
  host: { type: 'string', minLength: 1, default: '127.0.0.1', description: 'address to listen on' },
  port: {
    type: 'integer',
    minimum: 0,
    maximum: 65_535,
    description: 'gRPC port; 0 picks a free one',
  },
  httpPort: {
    type: 'integer',
    minimum: 0,
    maximum: 65_535,
    description: 'health and metrics port; 0 picks a free one',
  },
  postgresUrl: {
    type: 'string',
    pattern: '^postgres(ql)?://',
    description: "this process's database",
  },
  postgresPassword: { type: 'string', default: '', description: 'password of the database' },
  natsUrl: {
    type: 'string',
    pattern: '^(nats|tls)://',
    description: 'NATS servers, comma separated',
  },
  natsPassword: {
    type: 'string',
    default: '',
    description: 'password of NATS, or the token where the URL names no user',
  },
  instance: {
    type: 'string',
    pattern: '^[A-Za-z0-9_-]{1,40}$',
    description: 'names this process among those of its service; random when not set',
  },
  peers: {
    type: 'object',
    required: [],
    additionalProperties: {
      type: 'array',
      items: { type: 'string', format: ADDRESS },
    },
    default: {},
    description: 'addresses of other services: service=host:port|host:port,service2=…',
  },
  logLevel: { type: 'string', enum: LOG_LEVELS, default: 'info' },
  failpoints: {
    type: 'string',
    default: '',
    description: 'tests only: name=kill|throw|pause:ms[@n]',
  },
  release: { type: 'string', default: '', description: 'contract versions: COMM-040=v1/v0' },
  historyDays: {
    type: 'integer',
    minimum: 0,
    maximum: 365,
    default: 7,
    description: 'days for which settled messages of functional links are kept; 0 keeps none',
  },
  windowMb: {
    type: 'integer',
    minimum: 1,
    maximum: 4_096,
    default: 64,
    description: 'memory for messages that are under way, in MiB',
  },
  streamReplicas: {
    type: 'integer',
    minimum: 0,
    maximum: 5,
    default: 0,
    description: 'replicas that each stream must have at least; 0 leaves it to the links',
  },
  production: {
    type: 'boolean',
    default: false,
    description: 'refuses what only tests may do',
  },
  horizonDays: {
    type: 'integer',
    minimum: 1,
    maximum: 3_650,
    default: 30,
    description: 'how many days a consumer remembers what it settled',
  },
};

/** Variables of this project's other commands, which a process ignores. */
const TOLERATED = ['RELINK_OPERATOR', 'RELINK_NATS_SERVER'];
const TOLERATED_PREFIX = 'RELINK_TEST_';

/** All problems of a process's configuration at once. */
export class ConfigError extends CodedError<'CONFIG_INVALID'> {
  readonly problems: ConfigProblem[];
  constructor(problems: ConfigProblem[]) {
    const lines = problems.map(({ variable, message }) => `  ${variable} ${message}`);
    super('CONFIG_INVALID', `The configuration is invalid:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

export interface LoadOptions<T> {
  /** Default: the process's environment. */
  env?: NodeJS.ProcessEnv;
  /** The process's own defaults; they take precedence over the schema's. */
  defaults?: Partial<T>;
}

/**
 * Reads one process's configuration: variables take precedence over `defaults`, and these over the
 * schema's defaults. Throws ConfigError with every problem: missing, invalid, or an unknown RELINK_
 * variable.
 */
export function loadConfig<T extends object>(
  properties: ConfigProperties<T>,
  { env = wholeEnvironment(), defaults = {} }: LoadOptions<T> = {},
): T {
  const values: Record<string, unknown> = {
    instance: randomBytes(INSTANCE_BYTES).toString('hex'),
    ...defaults,
  };
  const { variables, problems } = readFiles(env, isOurs);
  for (const [property, schema] of Object.entries<SchemaObject>(properties)) {
    const text = variables[variableOf(property)];
    if (text) values[property] = parseText(text, schema);
  }
  problems.push(...findUnknown(Object.keys(properties), variables), ...joinPasswords(values));
  problems.push(...validate(properties, values));
  if (problems.length > 0) throw new ConfigError(problems);
  return values as T;
}

/** Whoever connects gets one URL with all that it takes. */
function joinPasswords(values: Record<string, unknown>): ConfigProblem[] {
  return ['postgres', 'nats'].flatMap((server): ConfigProblem[] => {
    const [url, password] = [`${server}Url`, `${server}Password`];
    if (typeof values[password] !== 'string' || typeof values[url] !== 'string') return [];
    try {
      values[url] = withPassword(values[url], values[password]);
      delete values[password];
      return [];
    } catch (error) {
      return [{ code: 'invalid', variable: variableOf(url), message: messageOf(error) }];
    }
  });
}

/** The variable of a config property: `httpPort` → RELINK_HTTP_PORT. */
export function variableOf(property: string): string {
  return PREFIX + property.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** `{ hiring: ['127.0.0.1:7102'] }` → the text that RELINK_PEERS holds. */
export function formatPeers(peers: Record<string, string[]>): string {
  return Object.entries(peers)
    .map(([service, addresses]) => `${service}=${addresses.join('|')}`)
    .join(',');
}

function parseText(text: string, { type }: SchemaObject): unknown {
  if (type === 'integer' || type === 'number') {
    return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
  }
  if (type === 'boolean') return parseBoolean(text);
  if (type === 'array') return splitList(text, ',');
  return type === 'object' ? parsePeers(text) : text;
}

function parseBoolean(text: string): boolean | string {
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  return /^(false|0|no|off)$/i.test(text) ? false : text;
}

function parsePeers(text: string): unknown {
  const pairs = splitList(text, ',').map((pair) => pair.split('='));
  // Text that is not a list of pairs stays text, so that validation names the variable.
  if (pairs.some((pair) => pair.length !== 2 || !pair[0])) return text;
  return Object.fromEntries(pairs.map(([service, list]) => [service, splitList(list ?? '', '|')]));
}

function splitList(text: string, separator: string): string[] {
  return text.split(separator).flatMap((part) => part.trim() || []);
}

function validate(
  properties: Readonly<Record<string, SchemaObject>>,
  values: Record<string, unknown>,
): ConfigProblem[] {
  // The schemas are ours and typed, so they need not be validated at every start.
  const ajv = new Ajv2020({
    allErrors: true,
    useDefaults: true,
    strict: false,
    validateSchema: false,
  });
  ajv.addFormat(ADDRESS, (text: string) => splitAddress(text) !== undefined);
  const required = Object.keys(properties).filter((name) => !('default' in properties[name]!));
  const check = ajv.compile({ type: 'object', properties, required });
  return check(values) ? [] : mergeErrors((check.errors ?? []).map(describe));
}

/** One line a variable: ajv reports a wrong enum or nested list several times. */
function mergeErrors(problems: ConfigProblem[]): ConfigProblem[] {
  return [...new Map(problems.map((problem) => [problem.variable, problem])).values()];
}

function describe(error: ErrorObject): ConfigProblem {
  const property = error.instancePath.split('/')[1];
  if (property === undefined) {
    const variable = variableOf(String(error.params.missingProperty));
    return { code: 'missing', variable, message: 'is not set and has no default' };
  }
  const variable = variableOf(property);
  return { code: 'invalid', variable, message: explain(error) };
}

const PEERS = 'must look like name=host:port|…,… with an IPv6 host in brackets: name=[::1]:7101';

function explain({ keyword, params, message }: ErrorObject): string {
  if (keyword === 'enum') return `must be one of ${params.allowedValues.join(', ')}`;
  if (params.format === ADDRESS || (keyword === 'type' && params.type === 'object')) return PEERS;
  return message ?? 'is invalid';
}

function findUnknown(properties: string[], env: NodeJS.ProcessEnv): ConfigProblem[] {
  const own = properties.map(variableOf);
  const known = new Set([
    ...own,
    ...Object.keys(baseConfigProperties).map(variableOf),
    ...TOLERATED,
  ]);
  return Object.keys(env)
    .filter(isOurs)
    .filter((name) => !known.has(name))
    .map((variable) => ({ code: 'unknown', variable, message: suggest(variable, [...known]) }));
}

function isOurs(variable: string): boolean {
  return variable.startsWith(PREFIX) && !variable.startsWith(TOLERATED_PREFIX);
}

function suggest(name: string, known: string[]): string {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= MAX_SUGGESTION_DISTANCE
    ? `is not known; did you mean ${best.candidate}?`
    : `is not known; known are ${known.sort().join(', ')}`;
}
