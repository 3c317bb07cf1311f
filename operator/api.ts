/** `relink.v1.Operator`: everything that the command line and the console can do. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  CertificateSchema,
  type Operator,
  RunSchema,
  type RunStatusSchema,
  type StartRequest,
} from '../gen/relink/v1/operator_pb.ts';
import type { Certificates } from '../migration/certificate.ts';
import { MigrationError } from '../migration/errors.ts';
import { verifyLeg } from '../migration/leg/verify.ts';
import type { Participants } from '../migration/participants.ts';
import type { Streams } from '../migration/plan.ts';
import type { Journal } from '../migration/run/journal.ts';
import { giveOrder, type Order, requireRun } from '../migration/run/orders.ts';
import { isEnded, type RunWithSteps } from '../migration/run/record.ts';
import {
  chooseConsumers,
  findLink,
  type MoveRequest,
  resolveMove,
} from '../migration/run/starting.ts';
import { invalidField, type RpcError, unknownId } from '../rpc/errors.ts';
import type { Handlers } from '../rpc/handlers.ts';
import { readPage } from '../rpc/paging.ts';
import { contractHandlers } from './contracts/handlers.ts';
import type { Registrar } from './contracts/registrar.ts';
import type { ContractRegistry } from './contracts/registry.ts';
import { deadLetterHandlers } from './deadLetters.ts';
import { erasureHandlers } from './erasure.ts';
import { withReasons } from './errors.ts';
import { type LinkSources, listLinks } from './links.ts';
import { parkedHandlers } from './parked.ts';
import { reconcileHandlers } from './reconcile/handlers.ts';
import { certificateToWire, planToWire, runToWire, statusToWire } from './status.ts';
import { streamHandlers } from './streamCheck.ts';
import { UnroutedWatch } from './unrouted.ts';
import type { Watchers } from './watchers.ts';

const RUNS_SHOWN = 50;
const CERTIFICATES_SHOWN = 500;
/** How soon a watcher sees a change that another operator recorded. */
const WATCH_POLL_MS = 500;

export interface OperatorOptions {
  readonly journal: Journal;
  readonly certificates: Certificates;
  readonly participants: Participants;
  readonly streams: Streams;
  readonly watchers: Watchers;
  readonly registry: ContractRegistry;
  readonly registrar: Registrar;
  /** Messages that a consumer lost with its database. */
  readonly missingOf: LinkSources['missingOf'];
  /** Whether a run may name a command for this operator to run. */
  readonly areCommandsAllowed: boolean;
  /** Makes the engine look at a run now. */
  readonly wakeEngine: (runId: string) => void;
}

export function operatorHandlers(options: OperatorOptions): Handlers<typeof Operator> {
  return withReasons({
    ...linkHandlers(options),
    ...startHandlers(options),
    ...runHandlers(options),
    ...orderHandlers(options),
    ...proofHandlers(options),
    ...deadLetterHandlers(options.participants),
    ...parkedHandlers(options.participants),
    ...reconcileHandlers(options.participants),
    ...streamHandlers(options.participants, options.streams),
    ...erasureHandlers(options),
    ...contractHandlers({
      ...options,
      manager: () => options.streams.manager(),
      liveRuns: () => options.journal.live(),
    }),
  });
}

type HandlersOf<Names extends keyof Handlers<typeof Operator>> = Pick<
  Handlers<typeof Operator>,
  Names
>;

function linkHandlers(options: OperatorOptions): HandlersOf<'listLinks' | 'getTopology'> {
  const { participants, streams, journal, registrar } = options;
  const sources: LinkSources = {
    participants,
    manager: () => streams.manager(),
    liveRuns: () => journal.live(),
    unrouted: new UnroutedWatch(participants),
    missingOf: options.missingOf,
    contractAlarms: () => registrar.alarms,
  };
  return {
    listLinks: () => listLinks(sources),
    getTopology: async () => ({
      ...(await listLinks(sources)),
      services: await Promise.all(
        participants.services.map(async (name) => ({
          name,
          replicas: (await participants.replicas(name)).map(({ address, description }) => ({
            address,
            up: description !== undefined,
          })),
        })),
      ),
    }),
  };
}

function startHandlers(options: OperatorOptions): HandlersOf<'plan' | 'start'> {
  const { participants, journal, wakeEngine, areCommandsAllowed } = options;
  const resolve = async (request: MoveRequest) =>
    resolveMove(participants, request, await journal.live());
  return {
    plan: async ({ link, to, consumer, wayBack, settings }) => {
      const request = { link, to, consumer, wayBack, settings, actor: '' };
      // A plan changes nothing, so it may be shown while a run holds the link.
      const move = { ...request, isStepByStep: false, isHeld: true };
      return planToWire(await resolveMove(participants, move, []));
    },
    start: async (request) => {
      if (request.wayBack === '') throw wayBackMissing();
      const { run, plan } = await resolve(moveRequestOf(request));
      if (run.settings.gate_command && !areCommandsAllowed) throw commandsRefused();
      const created = await journal.create(run, plan.steps);
      wakeEngine(created.run.id);
      return { status: statusToWire(created, []) };
    },
  };
}

function wayBackMissing(): RpcError {
  return invalidField('way_back', 'must be keep or none: choose before starting');
}

function commandsRefused(): MigrationError {
  const field = 'settings.gate_command';
  const description =
    'is refused: this operator does not allow commands; start it with ' +
    'RELINK_GATE_COMMANDS=allow to allow them';
  return new MigrationError('REQUEST_INVALID', `${field} ${description}`, {
    fields: [{ field, description }],
  });
}

function moveRequestOf(request: StartRequest): MoveRequest {
  const { link, to, consumer, wayBack, actor, settings } = request;
  const isStepByStep = request.step;
  const isHeld = !request.noHold;
  return { link, to, consumer, wayBack, actor, settings, isStepByStep, isHeld };
}

async function statusOf(
  { journal }: OperatorOptions,
  current: RunWithSteps,
): Promise<MessageInitShape<typeof RunStatusSchema>> {
  return statusToWire(current, await journal.evidence(current.run.id));
}

function runHandlers(options: OperatorOptions): HandlersOf<'listRuns' | 'getRun' | 'watchRun'> {
  const { journal, watchers } = options;
  return {
    listRuns: async ({ limit, link, afterId }) => {
      if (afterId !== '' && !(await journal.read(afterId))) throw notListed('run');
      const { entries, next } = await readPage({
        after: afterId,
        limit: limit || RUNS_SHOWN,
        read: (page) => journal.list({ link, ...page }),
        keyOf: ({ id }) => id,
        entry: RunSchema,
        toWire: runToWire,
      });
      return { runs: entries, nextId: next ?? '' };
    },
    getRun: async ({ id }) => ({ status: await statusOf(options, await requireRun(journal, id)) }),
    watchRun: async function* ({ id }, { signal }) {
      let seen: bigint | undefined;
      while (!signal.aborted) {
        if ((await journal.revision(id)) !== seen || seen === undefined) {
          const current = await requireRun(journal, id);
          seen = current.run.revision;
          yield { status: await statusOf(options, current) };
          if (isEnded(current.run)) return;
        }
        await watchers.changed(id, WATCH_POLL_MS, signal);
      }
    },
  };
}

/** An empty page would look like the end of the list. */
function notListed(what: string): RpcError {
  return invalidField('after_id', `is the id of no ${what}`);
}

type OrderNames =
  | 'approveRun'
  | 'pauseRun'
  | 'resumeRun'
  | 'rollbackRun'
  | 'cancelRun'
  | 'completeRun';

function orderHandlers(options: OperatorOptions): HandlersOf<OrderNames> {
  const order =
    (name: Order) =>
    async (request: {
      id: string;
      actor: string;
      confirm?: string;
      acceptDifferences?: string;
    }) => {
      const { id: runId, actor, confirm = '', acceptDifferences: accept = '' } = request;
      const current = await giveOrder(options, { order: name, runId, actor, confirm, accept });
      options.wakeEngine(runId);
      options.watchers.wake(runId);
      return { status: await statusOf(options, current) };
    };
  return {
    approveRun: order('approve'),
    pauseRun: order('pause'),
    resumeRun: order('resume'),
    rollbackRun: order('rollback'),
    cancelRun: order('cancel'),
    completeRun: order('complete'),
  };
}

function proofHandlers(
  options: OperatorOptions,
): HandlersOf<'verify' | 'listCertificates' | 'getCertificate'> {
  const { participants, certificates } = options;
  return {
    verify: async ({ link: id, consumer: asked }, { signal }) => {
      const link = findLink(await participants.topology(), id);
      const consumers = chooseConsumers(link, asked);
      const legs = await Promise.all(
        consumers.map((consumer) => verifyLeg({ participants, link, consumer, signal })),
      );
      const verified = legs.map(({ consumer, findings }) => ({
        consumer,
        equal: findings.every(({ isEqual }) => isEqual),
        findings: findings.map(({ isEqual: equal, examples, ...finding }) => ({
          ...finding,
          equal,
          examples: [...examples],
        })),
      }));
      return { equal: verified.every(({ equal }) => equal), legs: verified };
    },
    listCertificates: async ({ link, run, limit, afterId }) => {
      if (afterId !== '' && !(await certificates.read(afterId))) throw notListed('certificate');
      const { entries, next } = await readPage({
        after: afterId,
        limit: limit || CERTIFICATES_SHOWN,
        read: (page) => certificates.list({ link, run, ...page }),
        keyOf: ({ id }) => id,
        entry: CertificateSchema,
        toWire: certificateToWire,
      });
      return { certificates: entries, nextId: next ?? '' };
    },
    getCertificate: async ({ id }) => {
      const certificate = await certificates.read(id);
      if (!certificate) throw unknownId('id', 'certificate');
      return { certificate: certificateToWire(certificate) };
    },
  };
}
