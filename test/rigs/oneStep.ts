/**
 * A step or gate by itself: a real journal and lease, and services that the test plays behind real
 * gRPC servers.
 */
import { applyExpand } from '../../db/schemaChanges.ts';
import { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { Certificates } from '../../migration/certificate.ts';
import { createContext, type RecordingContext } from '../../migration/engine/context.ts';
import { Lease } from '../../migration/engine/lease.ts';
import { Participants } from '../../migration/participants.ts';
import type { PlanStep, Streams } from '../../migration/plan.ts';
import { Journal, type NewRun } from '../../migration/run/journal.ts';
import { startStep, startUndo } from '../../migration/run/life.ts';
import { parseSettings } from '../../migration/settings.ts';
import { RpcError } from '../../rpc/errors.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { createRpcServer, serve } from '../../rpc/server.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import type { Owner } from '../harness/owner.ts';
import { testDatabase } from '../harness/postgres.ts';

const operatorTemplate = {
  name: 'operator',
  fill: (url: string) => applyExpand(url, ['operator']),
};

/** The database of an operator, with nothing in it yet. */
export async function operatorDatabase(t: Owner): Promise<Database> {
  const { url } = await testDatabase(t, operatorTemplate);
  const sql = connectPostgres(url, { name: 'operator-test' });
  t.after(() => closePostgres(sql));
  return sql;
}

/** A run of COMM-010 from sync to async. */
export function syncToAsync(
  consumers: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): NewRun {
  return {
    plan: 'formal-sync-to-async',
    link: 'COMM-010',
    consumer: consumers.length === 1 ? consumers[0]! : '',
    consumers,
    others: [],
    producer: 'assessments',
    from: { transport: 'sync', version: 0 },
    to: { transport: 'async', version: 0 },
    wayBack: 'keep',
    isStepByStep: false,
    isHeld: true,
    settings: parseSettings(settings),
    actor: 'test',
  };
}

export type Played = Partial<Handlers<typeof LinkParticipant>>;

/** Serves these handlers as a participant; all other calls are refused. Answers the address. */
export async function playService(
  t: Owner,
  handlers: Played,
  { host, port } = { host: '127.0.0.1', port: 0 },
): Promise<string> {
  const all = LinkParticipant.methods.map(({ localName }) => [
    localName,
    (handlers as Record<string, unknown>)[localName] ?? refuse,
  ]);
  const services = [serve(LinkParticipant, Object.fromEntries(all))];
  const server = createRpcServer({ host, port, services });
  await server.start();
  t.after(() => server.stop());
  return server.address();
}

function refuse(): never {
  throw new RpcError('FAILED_PRECONDITION', 'RUN_STATE', 'the test plays no such call');
}

export const noStreams: Streams = {
  manager: () => Promise.reject(new Error('the test has no JetStream')),
  alone: (_link, work) => work(),
  isNeededByOthers: async () => false,
};

export interface AloneOptions {
  readonly step: PlanStep;
  readonly consumers: readonly string[];
  readonly services?: Readonly<Record<string, readonly string[]>>;
  readonly settings?: Readonly<Record<string, string>>;
  /** What the run has otherwise than one of COMM-010 from sync to async. */
  readonly run?: Partial<NewRun>;
  readonly streams?: Streams;
  readonly leaseMs?: number;
}

export interface Alone {
  readonly sql: Database;
  readonly journal: Journal;
  readonly lease: Lease;
  readonly runId: string;
  /** The context that an engine gives the step when it begins it or comes back to it. */
  enter(signal?: AbortSignal): Promise<RecordingContext>;
  /** The same for going back. */
  enterBack(signal?: AbortSignal): Promise<RecordingContext>;
}

/** A run whose plan has one step. */
export async function openAlone(t: Owner, options: AloneOptions): Promise<Alone> {
  const { step, consumers, services = {}, settings, leaseMs = 60_000 } = options;
  const { streams = noStreams } = options;
  const sql = await operatorDatabase(t);
  const journal = new Journal(sql);
  const participants = new Participants(services);
  t.after(() => participants.close());
  const lease = new Lease({ sql, owner: 'test', log: silentLog, durationMs: leaseMs });
  await lease.refresh();
  const created = await journal.create({ ...syncToAsync(consumers, settings), ...options.run }, [
    step,
  ]);
  const runId = created.run.id;
  const certificates = new Certificates(sql, 'test');
  const worker = { log: silentLog, journal, lease, participants, streams, certificates };
  const enter = async (state: 'running' | 'undoing', signal = new AbortController().signal) => {
    const at = new Date().toISOString();
    let current = (await journal.read(runId))!;
    const record = current.steps[0]!;
    const change = state === 'running' ? startStep(record, at) : startUndo(record, at);
    if (record.state !== state) current = await journal.record(current, change);
    return createContext(current, 0, { ...worker, onChange: () => {} }, signal);
  };
  return {
    sql,
    journal,
    lease,
    runId,
    enter: (signal) => enter('running', signal),
    enterBack: (signal) => enter('undoing', signal),
  };
}
