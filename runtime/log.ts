/**
 * JSON logs, one line per entry, on stdout of a service process. People's names and event bodies
 * never belong in a log: a completed anonymisation (US-170) promises that no name is left in logs.
 */
import { type DestinationStream, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino';
import { messageWithoutValues } from './errors.ts';

export type Log = Logger;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields whose values are never written, at the top of an entry and one level down. */
const WITHHELD_FIELDS = [
  ...['payload', 'body', 'event', 'request', 'response', 'row', 'rows', 'parameters'],
  ...['first_name', 'firstName', 'last_name', 'lastName', 'nickname'],
  ...['candidate_name', 'candidateName', 'password', 'url'],
];

/**
 * The fields of an error that are written. PostgreSQL's `detail` and `query` are left out: they
 * hold row values.
 */
const ERROR_FIELDS = [
  ...['code', 'reason', 'severity', 'routine', 'syscall', 'address', 'port', 'apiErrorCode'],
  ...['schema_name', 'table_name', 'column_name', 'constraint_name', 'problems'],
];

const MAX_CAUSES = 5; // a longer chain of causes is a cycle or says nothing new

const MAX_UNWRITTEN = 1_048_576; // characters that wait for room on the disk

export interface LogOptions {
  service: string;
  instance?: string;
  level?: LogLevel;
  /** Where to write; default stdout. Commands log to stderr: `pino.destination(2)`. */
  destination?: DestinationStream;
}

/** A logger that names its service and instance in every entry. */
export function createLog(options: LogOptions): Log {
  const { service, instance, level = 'info', destination } = options;
  return pino(
    {
      level,
      base: instance === undefined ? { service } : { service, instance },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: WITHHELD_FIELDS.flatMap((field) => [field, `*.${field}`]),
        censor: '[withheld]',
      },
      serializers: { err: describeError, error: describeError },
    },
    destination ?? openStdout(),
  );
}

/** A full disk, or nobody who reads, must not end a service: what is too much to keep is dropped. */
function openStdout(): DestinationStream {
  const stdout = pino.destination({ dest: 1, sync: true, maxLength: MAX_UNWRITTEN });
  return stdout.on('error', () => undefined);
}

/** A logger that writes nothing, for callers without one. */
export const silentLog: Log = pino({ level: 'silent' });

/** An error as plain data: what it is and where, without values of rows or queries. */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const message = messageWithoutValues(error);
  const described: Record<string, unknown> = { type: error.name, message };
  for (const field of ERROR_FIELDS) {
    const value = (error as unknown as Record<string, unknown>)[field];
    if (value !== undefined) described[field] = value;
  }
  const stack = stdSerializers.err(error).stack?.split('\ncaused by')[0];
  described.stack = message === error.message ? stack : stack?.replace(error.message, message);
  if (depth >= MAX_CAUSES) return described;
  if (error.cause !== undefined) described.cause = describeError(error.cause, depth + 1);
  if (error instanceof AggregateError) {
    described.errors = error.errors.map((one) => describeError(one, depth + 1));
  }
  return described;
}
