/** `relink erasure check`: what a contract version took away is looked for once more, after its run. */
import { PassThrough } from 'node:stream';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CheckErasureResponseSchema, Operator } from '../gen/relink/v1/operator_pb.ts';
import type { LinkDescription } from '../gen/relink/v1/participant_pb.ts';
import type { Certificate, Certificates } from '../migration/certificate.ts';
import type { ErasureStatement } from '../migration/erasure.ts';
import { MigrationError, StepProblem } from '../migration/errors.ts';
import { findLogs } from '../migration/leg/logFiles.ts';
import { proveAgain } from '../migration/leg/provingAgain.ts';
import type { Participants } from '../migration/participants.ts';
import type { Streams } from '../migration/plan.ts';
import type { Journal } from '../migration/run/journal.ts';
import { howItEnds } from '../migration/run/life.ts';
import { requireRun } from '../migration/run/orders.ts';
import { isEnded, type RunRecord } from '../migration/run/record.ts';
import { findLink } from '../migration/run/starting.ts';
import { invalidField } from '../rpc/errors.ts';
import type { Handlers } from '../rpc/handlers.ts';
import { certificateToWire } from './status.ts';

interface Options {
  readonly journal: Journal;
  readonly certificates: Certificates;
  readonly participants: Participants;
  readonly streams: Streams;
}

type Answer = MessageInitShape<typeof CheckErasureResponseSchema>;
type Observe = (what: string, value: string) => Promise<void>;

export function erasureHandlers(options: Options): Pick<Handlers<typeof Operator>, 'checkErasure'> {
  return {
    checkErasure: async function* ({ link, logFiles, erase }, { signal }) {
      const found = await findErased(options, link);
      await requireLogs(logFiles);
      const run = { ...found, settings: { ...found.settings, log_files: logFiles } };
      yield* told((observe) => check(options, { run, isErasing: erase, signal, observe }), signal);
    },
  };
}

/** The run that took away what the newest version has not. */
async function findErased(
  { journal, certificates, participants }: Options,
  link: string,
): Promise<RunRecord> {
  const { producer } = findLink(await participants.topology(), link);
  const newest = await certificates.newestErasure(link);
  if (!newest) throw invalidField('link', whyNoStatement(producer));
  const { run } = await requireRun(journal, newest.run);
  if (isEnded(run)) return run;
  throw new MigrationError('RUN_STATE', `run ${run.id} is not over: ${howItEnds(run)}`);
}

/** Most links never lose a field to a newer version. */
export function whyNoStatement({ id, events }: Pick<LinkDescription, 'id' | 'events'>): string {
  const taking = events
    .flatMap(({ steps }) => steps)
    .find(({ complement }) => complement.length > 0);
  if (!taking) return `no version of ${id} takes fields away: there is nothing to look for`;
  const start = `relink start ${id} --to v${taking.newer} --way-back keep`;
  return `${id} has no erasure statement yet: ${start}, and complete of it, sign the first`;
}

async function requireLogs(pattern: string): Promise<void> {
  if (pattern === '') return;
  for await (const _file of findLogs(pattern)) return;
  throw invalidField('log_files', `no file on the operator's machine is named ${pattern}`);
}

interface Checking {
  readonly run: RunRecord;
  readonly isErasing: boolean;
  readonly signal: AbortSignal;
  readonly observe: Observe;
}

async function check(options: Options, { isErasing, ...checking }: Checking): Promise<Answer> {
  const { certificates, streams } = options;
  const participants = options.participants.guarded(() => checking.signal.throwIfAborted());
  const context = { ...checking, participants, streams };
  const sign = (statement: ErasureStatement) => certificates.signErasureAgain(statement);
  const { statement, signed } = await proveAgain(context, isErasing, sign).catch(refuse);
  return { checked: toWire(statement, signed, isErasing) };
}

function refuse(error: unknown): never {
  if (!(error instanceof StepProblem)) throw error;
  const code = error.isRepeatable ? 'PARTICIPANT_AWAY' : 'LINK_NOT_MOVABLE';
  throw new MigrationError(code, error.message, { cause: error });
}

function toWire(statement: ErasureStatement, signed: Certificate | undefined, isErasing: boolean) {
  const { link, version, fields, count, searched, left_out: leftOut } = statement;
  return {
    ...{ link, version, fields: [...fields], count: BigInt(count), leftOut: [...leftOut] },
    searched: searched.map(({ place, entries, found }) => ({
      ...{ place, entries: BigInt(entries), found: BigInt(found) },
    })),
    ...(signed ? { certificate: certificateToWire(signed) } : { proposal: next(link, isErasing) }),
  };
}

/** What relink did not erase the first time, it does not erase the second time. */
function next(link: string, isErasing: boolean): string {
  return isErasing
    ? `clean these places, then relink erasure check ${link}`
    : `relink erasure check ${link} --erase`;
}

/** What the work observes, while it goes on, and in the end what it answers. */
async function* told(work: (observe: Observe) => Promise<Answer>, signal: AbortSignal) {
  const answers = new PassThrough({ objectMode: true, signal });
  const observe: Observe = async (what, value) => {
    answers.write({ progress: `${what}: ${value}` });
  };
  work(observe).then(
    (answer) => answers.end(answer),
    (error) => answers.destroy(error),
  );
  for await (const answer of answers) yield answer as Answer;
}
