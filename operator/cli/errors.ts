/**
 * What a person reads when a command failed: what, why, and the next command.
 */
import { RpcCallError } from '../../rpc/client.ts';
import { messageOf } from '../../runtime/errors.ts';
import { EXIT, type ExitCode } from './exitCode.ts';
import { cleanText } from './output/paint.ts';

export interface CliErrorOptions extends ErrorOptions {
  exitCode?: ExitCode;
  /** Lines of detail under the message. */
  details?: string[];
  /** What to do next: commands or advice. */
  next?: string[];
}

/** Ends a command early. The exit code tells the kind of failure. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  readonly details: string[];
  readonly next: string[];
  constructor(message: string, options: CliErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'CliError';
    this.exitCode = options.exitCode ?? EXIT.failed;
    this.details = options.details ?? [];
    this.next = options.next ?? [];
  }
}

/** A wrong or missing argument. */
export function usageError(message: string, next: string[] = []): CliError {
  return new CliError(message, { exitCode: EXIT.usage, next });
}

/** Ctrl-C. It ends nothing but the command itself. */
export class Interrupted extends CliError {
  constructor(message = 'Interrupted.', next: string[] = []) {
    super(message, { exitCode: EXIT.interrupted, next });
    this.name = 'Interrupted';
  }
}

/** The operator's reasons that have an exit code of their own; every other one is 1. */
const EXIT_OF_REASON: Readonly<Record<string, ExitCode>> = {
  FIELDS_INVALID: EXIT.usage,
  REQUEST_UNREADABLE: EXIT.usage,
  ID_UNKNOWN: EXIT.usage,
  LINK_UNKNOWN: EXIT.usage,
  CONTRACT_UNKNOWN: EXIT.usage,
  CONFIRMATION_WRONG: EXIT.usage,
  LINK_BUSY: EXIT.busy,
};

const NEXT_OF_REASON: Readonly<Record<string, string>> = {
  ID_UNKNOWN: 'relink runs',
  LINK_UNKNOWN: 'relink links',
  CONTRACT_UNKNOWN: 'relink contracts list --registry',
  LINK_BUSY: 'relink status RUN   (the run that holds it, and how it ends)',
  RUN_STATE: 'relink status RUN   (the state it is in)',
  PARKED_STATE: 'relink parked show ID',
  DEAD_LETTER_STATE: 'relink dead-letters list --all',
  EDITED_MEANWHILE: 'relink dead-letters show ID   (its current revision)',
};

/** Any error as what to print and which code to exit with. `address` is the operator's. */
export function explainError(error: unknown, address: string): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof RpcCallError) return explainCall(error, address);
  return new CliError(messageOf(error), { cause: error });
}

function explainCall(error: RpcCallError, address: string): CliError {
  // Only the operator itself sends a reason.
  if (error.reason === undefined) return explainTransport(error, address);
  const next = NEXT_OF_REASON[error.reason];
  const answer = answerOf(error);
  return new CliError(sentence(answer), {
    exitCode: isWayBackUnsaid(error) ? EXIT.usage : (EXIT_OF_REASON[error.reason] ?? EXIT.failed),
    // Fields that the message already names are not repeated.
    details: error.fields
      .filter(({ description }) => !answer.includes(description))
      .map(({ field, description }) => `${field}: ${description}`),
    next: next === undefined ? [] : [next],
    cause: error,
  });
}

/** The move is possible once the argument says how its way back works. */
function isWayBackUnsaid({ fields }: RpcCallError): boolean {
  return fields.some(({ field }) => field === 'way_back');
}

function explainTransport(error: RpcCallError, address: string): CliError {
  if (error.code === 'UNAVAILABLE') {
    return new CliError(`No operator answers at ${address}.`, {
      details: [reasonToConnect(error)],
      next: [
        'npm start   (starts the whole system here)',
        '--operator HOST:PORT or RELINK_OPERATOR   (if it runs elsewhere)',
      ],
      cause: error,
    });
  }
  if (error.code === 'DEADLINE_EXCEEDED') {
    return new CliError(`The operator at ${address} took too long to answer.`, {
      details: ['It may or may not have done what was asked.'],
      next: ['relink runs   (shows what it is doing)'],
      cause: error,
    });
  }
  if (error.code === 'UNIMPLEMENTED') {
    return new CliError(`The server at ${address} is not an operator, or an older one.`, {
      next: ['--operator HOST:PORT   (the address of the operator, gRPC)'],
      cause: error,
    });
  }
  return new CliError(`The operator at ${address} failed: ${answerOf(error)}`, { cause: error });
}

/** The system's message without the text that grpc-js adds. */
function reasonToConnect(error: RpcCallError): string {
  const text = answerOf(error);
  return /Error: (.+?)\.? Resolution note:/.exec(text)?.[1] ?? text;
}

/** The server's own words, without the method and address before them. */
function answerOf(error: RpcCallError): string {
  const prefix = `${error.method} at ${error.address}: ${error.code} `;
  const text = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : '';
  return cleanText(text === '' ? error.code : text);
}

function sentence(text: string): string {
  // Names of fields and commands keep their spelling.
  const isName = /^\w*[._]|^relink /.test(text);
  const first = isName ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
