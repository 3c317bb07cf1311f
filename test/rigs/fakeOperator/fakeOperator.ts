/**
 * An operator for tests of its clients: real gRPC on a real socket, with runs that move when the
 * test says so. The engine behind the real one has its own tests.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type CertificateSchema,
  type DifferenceSchema,
  LinkSchema,
  Operator,
  type PlannedStep,
  PlannedStepSchema,
  type RunStatus,
  RunStatusSchema,
  type StreamDifferenceSchema,
} from '../../../gen/relink/v1/operator_pb.ts';
import type {
  DeadLetterSchema,
  ParkedMessageSchema,
  UnansweredSchema,
} from '../../../gen/relink/v1/participant_pb.ts';
import { Outcome } from '../../../gen/relink/v1/receipt_pb.ts';
import { invalidField, RpcError, unknownId } from '../../../rpc/errors.ts';
import type { RpcContext } from '../../../rpc/handlers.ts';
import { createRpcServer, type RpcServer, serve } from '../../../rpc/server.ts';
import { Wake } from '../../../runtime/wake.ts';
import { LINKS, PLAN } from './links.ts';

type Init<S extends Parameters<typeof create>[0]> = MessageInitShape<S>;
type RunPatch = { run?: Partial<Init<typeof RunStatusSchema>['run']>; waiting?: object | null };

const PAGE_MAX = 100;
const POLL_MS = 60_000; // watchers are woken, and a status that did not change counts as a line
const ENDED = new Set(['completed', 'rolled_back', 'failed', 'cancelled']);

export const CERTIFICATE_ID = '0199c0de-0000-7000-8000-00000000ce01';

export class FakeOperator {
  readonly links = LINKS.map((link) => create(LinkSchema, link));
  readonly runs: RunStatus[] = [];
  readonly letters: Init<typeof DeadLetterSchema>[] = [];
  readonly parked: Init<typeof ParkedMessageSchema>[] = [];
  readonly certificates: Init<typeof CertificateSchema>[] = [];
  /** Requests as they came, by method. */
  readonly calls: { method: string; request: unknown }[] = [];
  /** What an order of a person does to a run; a test may replace it. */
  onOrder: (order: string, status: RunStatus) => void = () => undefined;
  areSidesEqual = true;
  /** Of every leg. */
  readonly differences: Init<typeof DifferenceSchema>[] = [];
  readonly streamDifferences: Init<typeof StreamDifferenceSchema>[] = [];
  /** Entries of a list in one answer. */
  pageSize = PAGE_MAX;
  /** Services that did not answer the operator. */
  readonly unanswered: Init<typeof UnansweredSchema>[] = [];
  #server: RpcServer;
  #wakes = new Set<Wake>();

  constructor(port = 0) {
    this.#server = createRpcServer({
      host: '127.0.0.1',
      port,
      services: [this.#serve()],
      stopLimitMs: 500,
    });
  }

  get address(): string {
    return this.#server.address();
  }

  get port(): number {
    return this.#server.port();
  }

  async start(): Promise<this> {
    await this.#server.start();
    return this;
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  /** Back to links without runs, letters and certificates. */
  forget(): void {
    const { runs, letters, parked, certificates, differences, calls, unanswered } = this;
    const { streamDifferences } = this;
    for (const kept of [
      runs,
      letters,
      parked,
      certificates,
      differences,
      calls,
      unanswered,
      streamDifferences,
    ])
      kept.length = 0;
    this.onOrder = () => undefined;
    this.areSidesEqual = true;
    this.pageSize = PAGE_MAX;
  }

  /** The last request of a method. */
  lastCall<T>(method: string): T | undefined {
    return this.calls.findLast((call) => call.method === method)?.request as T | undefined;
  }

  addRun(init: Init<typeof RunStatusSchema>): RunStatus {
    const status = create(RunStatusSchema, init);
    this.runs.push(status);
    this.#changed();
    return status;
  }

  /** Changes a run and tells those who watch it. */
  change(status: RunStatus, { run, waiting }: RunPatch, steps: Record<string, string> = {}): void {
    Object.assign(status.run!, run);
    if (waiting !== undefined) {
      status.waiting = create(RunStatusSchema, { waiting: waiting ?? undefined }).waiting;
    }
    const at = new Date().toISOString();
    for (const step of status.steps) {
      const state = steps[step.name];
      if (state === undefined) continue;
      step.state = state;
      step.startedAt ||= at;
      if (['done', 'failed', 'undone'].includes(state)) step.endedAt = at;
    }
    this.#changed();
  }

  #changed(): void {
    for (const wake of this.#wakes) wake.wake();
  }

  #find(id: string): RunStatus {
    const found = this.runs.find(({ run }) => run!.id === id);
    if (found === undefined) throw unknownId('id', 'run');
    return found;
  }

  #findLink(id: string) {
    const found = this.links.find((link) => link.id === id);
    if (found === undefined) throw new RpcError('NOT_FOUND', 'LINK_UNKNOWN', `no link ${id}`);
    return found;
  }

  #order(order: string, request: { id: string }): { status: RunStatus } {
    this.calls.push({ method: order, request });
    const status = this.#find(request.id);
    if (ENDED.has(status.run!.state)) {
      throw new RpcError('FAILED_PRECONDITION', 'RUN_STATE', `run ${request.id} has ended`);
    }
    this.onOrder(order, status);
    this.#changed();
    return { status };
  }

  #plan({ link, to, consumer }: { link: string; to: string; consumer: string }) {
    const { legs } = this.#findLink(link);
    const steps: PlannedStep[] = PLAN.map((step) => create(PlannedStepSchema, step));
    return { link, consumer, from: legs[0]!.routes[0]!.transport, to, steps };
  }

  #start(request: { link: string; to: string; consumer: string; wayBack: string; actor: string }) {
    this.calls.push({ method: 'start', request });
    const { from, steps } = this.#plan(request);
    const holder = this.runs.find(
      ({ run }) => run!.link === request.link && !ENDED.has(run!.state),
    );
    if (holder !== undefined) {
      const message = `run ${holder.run!.id} holds ${request.link}`;
      throw new RpcError('ALREADY_EXISTS', 'LINK_BUSY', message);
    }
    const { link, to, consumer, wayBack, actor } = request;
    const status = this.addRun({
      run: {
        ...{ id: crypto.randomUUID(), link, from, to, consumer, wayBack, actor },
        state: 'running',
        startedAt: new Date().toISOString(),
      },
      steps: steps.map(({ name, title, number, kind, undo }) => {
        return { name, title, number, kind, undo, state: 'pending' };
      }),
    });
    this.onOrder('start', status);
    return { status };
  }

  async *#watch(id: string, { signal }: RpcContext) {
    const wake = new Wake();
    this.#wakes.add(wake);
    try {
      for (;;) {
        const status = this.#find(id);
        yield { status: structuredClone(status) };
        if (ENDED.has(status.run!.state) || signal.aborted) return;
        await wake.wait(POLL_MS, signal);
        if (signal.aborted) return;
      }
    } finally {
      this.#wakes.delete(wake);
    }
  }

  #pageOf<T extends { id?: string }>(all: readonly T[], afterId: string, limit: number) {
    const from = all.findIndex(({ id }) => id === afterId) + 1;
    const end = from + Math.min(limit || PAGE_MAX, this.pageSize);
    const page = all.slice(from, end);
    return { page, nextId: end < all.length ? page.at(-1)!.id! : '' };
  }

  #letter(id: string) {
    const found = this.letters.find((letter) => letter.id === id);
    if (found === undefined) throw unknownId('id', 'dead letter');
    return found;
  }

  #parkedMessage(id: string) {
    const found = this.parked.find((one) => one.id === id);
    if (found === undefined) throw unknownId('id', 'parked message');
    return found;
  }

  #serve() {
    return serve(Operator, {
      listLinks: () => ({ links: this.links, unanswered: this.unanswered }),
      getTopology: () => ({
        services: [
          { name: 'assessments', replicas: [{ address: '127.0.0.1:7101', up: true }] },
          { name: 'hiring', replicas: [{ address: '127.0.0.1:7102', up: false }] },
        ],
        links: this.links,
        unanswered: this.unanswered,
      }),
      plan: (request) => this.#plan(request),
      start: (request) => this.#start(request),
      listRuns: ({ link, limit, afterId }) => {
        const runs = this.runs.map(({ run }) => run!).filter((run) => !link || run.link === link);
        const { page, nextId } = this.#pageOf(runs.toReversed(), afterId, limit);
        return { runs: page, nextId };
      },
      getRun: ({ id }) => ({ status: this.#find(id) }),
      watchRun: ({ id }, context) => this.#watch(id, context),
      approveRun: (request) => this.#order('approve', request),
      pauseRun: (request) => this.#order('pause', request),
      resumeRun: (request) => this.#order('resume', request),
      rollbackRun: (request) => this.#order('rollback', request),
      cancelRun: (request) => this.#order('cancel', request),
      completeRun: (request) => {
        const { link } = this.#find(request.id).run!;
        if (request.confirm !== link) {
          throw new RpcError('FAILED_PRECONDITION', 'CONFIRMATION_WRONG', `confirm with ${link}`);
        }
        return this.#order('complete', request);
      },
      verify: ({ link }) => {
        const { legs } = this.#findLink(link);
        const equal = this.areSidesEqual;
        const finding = { what: 'rows', equal, producer: '10,000', consumer: '9,999' };
        const findings = [{ ...finding, examples: equal ? [] : ['key-7'] }];
        return { equal, legs: legs.map(({ consumer }) => ({ consumer, equal, findings })) };
      },
      reconcile: (request) => {
        this.calls.push({ method: 'reconcile', request });
        const { link, consumer, after, repair } = request;
        const isSent = (kind?: string) => repair && kind === 'lost';
        const differences = (after === '' ? this.differences : []).map((one) => ({
          ...{ link, consumer, ...one },
          ...(isSent(one.kind) ? { done: 'sent again', proposal: '' } : {}),
        }));
        return { differences, compared: 10n, next: after === '' ? 'unknown 0000 ' : '' };
      },
      checkStreams: ({ link, mend }) => ({
        differences: this.streamDifferences
          .filter((one) => !link || one.link === link)
          .map((one) => (mend ? { ...one, mended: true, proposal: '' } : one)),
        unanswered: this.unanswered,
      }),
      checkErasure: async function* ({ link, erase }) {
        yield { progress: 'searched hiring: 2 entities' };
        const found = erase ? 0n : 3n;
        const searched = [
          { place: 'stream COMM-010', entries: 20n, found: 0n },
          { place: 'hiring: relink.dead_letters.body', entries: 1_000n, found },
        ];
        const certificate = { id: CERTIFICATE_ID, link, kind: 'erasure', count: 2n };
        const end = erase ? { certificate } : { proposal: `relink erasure check ${link} --erase` };
        const said = { version: 1, fields: ['first_name'], count: 2n, leftOut: ['logs: none'] };
        yield { checked: { ...said, ...end, link, searched } };
      },
      listCertificates: ({ afterId, limit }) => {
        const { page, nextId } = this.#pageOf(this.certificates, afterId, limit);
        return { certificates: page, nextId };
      },
      getCertificate: ({ id }) => {
        const certificate = this.certificates.find((one) => one.id === id);
        if (certificate === undefined) throw unknownId('id', 'certificate');
        return { certificate };
      },
      listDeadLetters: ({ all, afterId, limit }) => {
        const deadLetters = this.letters.filter(({ state }) => all || state === 'dead');
        const { page, nextId } = this.#pageOf(deadLetters, afterId, limit);
        const [total, { unanswered }] = [BigInt(deadLetters.length), this];
        return { deadLetters: page, nextId, total, unanswered };
      },
      getDeadLetter: ({ id }) => ({ deadLetter: this.#letter(id) }),
      redriveDeadLetter: ({ id }) => {
        const letter = this.#letter(id);
        if (letter.body === '{"bad":true}')
          return { outcome: Outcome.DEAD, detail: 'INVALID_EVENT' };
        letter.state = 'redriven';
        return { outcome: Outcome.APPLIED };
      },
      discardDeadLetter: (request) => {
        if (request.reason === '') throw invalidField('reason', 'must be given');
        this.calls.push({ method: 'discard', request });
        this.#letter(request.id).state = 'discarded';
        return {};
      },
      editDeadLetter: ({ id, body, revision }) => {
        const letter = this.#letter(id);
        if (letter.revision !== revision) {
          throw new RpcError('ABORTED', 'EDITED_MEANWHILE', 'somebody edited it since');
        }
        letter.body = body;
        letter.revision = revision + 1;
        return { revision: letter.revision };
      },
      listParked: ({ link }) => {
        const parked = this.parked.filter((one) => !link || one.link === link);
        return { parked, total: BigInt(parked.length), unanswered: this.unanswered };
      },
      getParked: ({ id }) => ({ parked: this.#parkedMessage(id) }),
      skipParked: (request) => {
        this.calls.push({ method: 'skip', request });
        const { missing = [] } = this.#parkedMessage(request.id);
        return { fromVersion: missing[0]!, throughVersion: missing.at(-1)! };
      },
      listContracts: refuse,
      checkContracts: refuse,
      retireContract: refuse,
    });
  }
}

function refuse(): never {
  throw new RpcError('FAILED_PRECONDITION', 'RUN_STATE', 'the test plays no such call');
}
