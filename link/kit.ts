/**
 * The link kit's one public door. A service declares its links in `services/links.ts`, calls
 * `enqueue(tx, …)` in a use case, `deliver` after the commit, and gives one handler per link it
 * consumes; everything else happens here.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { LinkParticipant } from '../gen/relink/v1/participant_pb.ts';
import { type ServedService, serve } from '../rpc/server.ts';
import type { Agent } from '../runtime/lifecycle.ts';
import type { Log } from '../runtime/log.ts';
import type { NatsConnection } from '../runtime/nats.ts';
import type { Database, Transaction } from '../runtime/postgres.ts';
import type { Schema } from '../runtime/postgresSchema.ts';
import { prepareContract } from './contracts/contract.ts';
import type { TextColumn } from './erasing/findTraces.ts';
import { LinkError } from './errors.ts';
import type { Pause } from './inbox/breaker.ts';
import { HORIZON_DAYS, inboxDays } from './inbox/days.ts';
import type { ReceiverLimits } from './inbox/failures.ts';
import { type Handler, requireHandler } from './inbox/handler.ts';
import { HeldForms } from './inbox/heldForms.ts';
import { Horizon } from './inbox/horizon.ts';
import { NewerContracts } from './inbox/newerContracts.ts';
import { Receiver, type ReceiverOptions } from './inbox/receiver.ts';
import { Unparker } from './inbox/unparker.ts';
import type { ReplicaTable } from './inbox/upsertNewer.ts';
import { type EventOf, type LinkDefinition, type LinkMap, legOf, linkOf } from './link.ts';
import { enqueue } from './outbox/enqueue.ts';
import type { Enqueued, MessageFor } from './outbox/message.ts';
import type { Removals } from './participant/context.ts';
import type { EntitySource } from './participant/entity.ts';
import { answeringAgent } from './participant/receiptAnswers.ts';
import { ReceiptAsker } from './participant/receiptAsker.ts';
import { oldestHeld, refuseRemoved } from './participant/removed.ts';
import { participantHandlers } from './participant/service.ts';
import type { Pull } from './pull/pull.ts';
import { prepareReadings } from './pull/readings.ts';
import { Relay } from './relay/relay.ts';
import type { BlockedLeg } from './relay/window.ts';
import { type ReadComplements, withComplements } from './transport/complements.ts';
import type { Dispatcher } from './transport/dispatcher.ts';
import { pushHandler, unmappedService } from './transport/grpc/receive.ts';
import { GrpcDispatcher } from './transport/grpc/send.ts';
import { ListeningAgent, prepareListening } from './transport/jetStream/listening.ts';
import { lookAtStream } from './transport/jetStream/look.ts';
import { Publisher } from './transport/jetStream/publisher.ts';
import { StreamConsumer } from './transport/jetStream/receive.ts';
import { BrokerRefusals } from './transport/jetStream/refusals.ts';
import { JetStreamDispatcher, NEEDED_PAYLOAD } from './transport/jetStream/send.ts';
import type { DayTable } from './upkeep/dayPartitions.ts';
import { upkeepOf } from './upkeep/upkeep.ts';
import { allContracts } from './versions.ts';

export interface KitOptions<Links extends LinkMap = LinkMap> {
  readonly service: string;
  readonly instance: string;
  readonly sql: Database;
  /** A pool whose sessions are `QUEUE_SESSION`. */
  readonly queueSql: Database;
  /** A pool of one connection that lasts: with it the lanes of this process are lost at once. */
  readonly leaseSql: Database;
  readonly nats: NatsConnection;
  readonly log: Log;
  /** The map as this build has it; see `releaseLinks`. */
  readonly links: Links;
  /** gRPC addresses of every service's replicas. */
  readonly peers: Readonly<Record<string, readonly string[]>>;
  /** One handler for each link this service consumes. */
  readonly handlers: { readonly [Id in keyof Links]?: Handler<EventOf<Links[Id]>> };
  /** Formal links this service produces: where the entity is kept. */
  readonly sources?: { readonly [Id in keyof Links]?: EntitySource };
  /** Formal links this service consumes: where the replica is kept. */
  readonly replicas?: { readonly [Id in keyof Links]?: ReplicaTable };
  /** Links this service consumes that may be `pull`: its value, and the replica's table. */
  readonly pulls?: { readonly [Id in keyof Links]?: Pull };
  /** The schema of the service's database, for migrations that change it. */
  readonly schema?: Schema;
  /** What is removed from it once a link carries no older contract version. */
  readonly removals?: { readonly [Id in keyof Links]?: Removals };
  /** Where the service keeps names of people of its own: there, another's name proves nothing. */
  readonly people?: readonly TextColumn[];
  /** Where people write what they like: a name that others may no longer know is replaced there. */
  readonly freeText?: readonly TextColumn[];
  readonly limits?: Partial<ReceiverLimits>;
  /** How many days this service remembers what it settled; 30 unless given. */
  readonly horizonDays?: number;
  /** Days for which settled messages of functional links are kept, to be sent again; 0 keeps none. */
  readonly historyDays?: number;
  /** Bytes that open messages may take in the memory of this process; 64 MiB unless given. */
  readonly windowBytes?: number;
}

/** The outbox has them; this bounds only what is under way at once. */
const WINDOW_BYTES = 64 * 1_024 * 1_024;

/** Long enough for a database to be lost, missed, restored and reconciled over a weekend. */
const HISTORY_DAYS = 7;

/** Receipts are asked for within 5 s: a broker that is down must not use that up. */
const BROKER_ANSWER_MS = 2_000;

/** How one leg of a message stands when the request that caused it is answered. */
export interface LegDelivery {
  readonly link: string;
  readonly consumer: string;
  /** `applied`: its effect is committed. */
  readonly state: 'applied' | 'pending';
}

/** A request waits this long for the receipt of a `sync` message, then answers `pending`. */
export const INLINE_WAIT_MS = 1_000;

/** `Links` is the map, so that the compiler knows its links and the events of each. */
export interface LinkKit<Links extends LinkMap = LinkMap> {
  /** In start order. */
  readonly agents: readonly Agent[];
  /** To serve on the service's gRPC port. */
  readonly services: readonly ServedService[];
  /** Writes messages in the business transaction; see outbox/enqueue.ts. */
  enqueue<Id extends keyof Links & string>(
    tx: Transaction,
    link: Id,
    messages: readonly MessageFor<EventOf<Links[Id]>>[],
  ): Promise<Enqueued[]>;
  /** What keeps messages from getting further in the lanes of this process, leg by leg. */
  blockedLegs(): Map<string, BlockedLeg>;
  /** @throws Error with the reason while messages come that only a later build reads */
  requireReadable(): void;
  /** @throws Error with the reason while another live process has the name of this one */
  requireName(): void;
  /** Throws when messages may come later than this service remembers what it settled. */
  requireHorizon(): void;
  /** Legs that this process consumes, each with why it is paused, if it is. */
  consumedLegs(): Map<string, Pause | undefined>;
  /** What the NATS server refused this process lately, in words; undefined when nothing. */
  brokerRefusal(): string | undefined;
  /** After the commit: wakes the relay, and on `sync` routes waits (bounded) for the receipts. */
  deliver(messages: readonly Enqueued[]): Promise<LegDelivery[]>;
}

export function createLinkKit<Links extends LinkMap>(options: KitOptions<Links>): LinkKit<Links> {
  return assemble(options as unknown as KitOptions);
}

/** The same for any map: what is inside the kit knows its links by their ids only. */
function assemble(given: KitOptions): LinkKit {
  const forms = new Map<string, HeldForms>();
  const options = { ...given, handlers: holdForms(given, forms) };
  const { service, links, historyDays = HISTORY_DAYS, horizonDays = HORIZON_DAYS } = options;
  const all = Object.values(links);
  const produced = all.filter((link) => link.producer === service);
  const consumed = all.filter((link) => link.consumers[service]);
  for (const link of [...produced, ...consumed]) allContracts(link).forEach(prepareContract);
  const newer = new NewerContracts(options.log);
  const receivers = createReceivers(options, consumed, newer, (written) =>
    relay.committed(written),
  );
  const publisher = new Publisher(options.nats);
  const refusals = new BrokerRefusals(options.nats);
  const dispatchers = createSyncDispatchers(options, produced);
  const asker = new ReceiptAsker(options.peers, options.nats);
  const streams = createStreamConsumers(options, consumed, receivers);
  const unparker = createUnparker(options, consumed, receivers);
  const listening = new ListeningAgent({ ...options, consumers: streams });
  const complete = (link: LinkDefinition, dispatcher: Dispatcher) =>
    withComplements(link, dispatcher, complementsOf(options, link.id));
  const keepsHistory = historyDays > 0;
  const manager = () =>
    jetstreamManager(options.nats, { checkAPI: false, timeout: BROKER_ANSWER_MS });
  const relay = new Relay({
    ...options,
    links: produced,
    keepsHistory,
    windowBytes: options.windowBytes ?? WINDOW_BYTES,
    asyncDispatcher: (link) => complete(link, new JetStreamDispatcher(publisher, link, service)),
    syncDispatcher: (link, consumer) => complete(link, dispatchers.get(`${link.id}/${consumer}`)!),
    ask: (link) => asker.askerOf(link.id),
    look: (link) => async (consumer) => lookAtStream(await manager(), link.id, consumer),
    raiseFence: (link) => asker.fencerOf(link.id),
  });
  const horizon = new Horizon({ horizonDays, consumed, manager });
  const participant = participantHandlers({
    ...options,
    produced,
    consumed,
    keepsHistory,
    relay,
    listening,
    streams,
    receivers,
    refusals,
    publisher,
    dispatchers,
    complete,
    asker,
    manager,
    horizonDays,
    historyDays,
  });
  const tables = [...historyOf(produced, historyDays), inboxDays(horizonDays)];
  return {
    agents: [
      {
        name: 'link state',
        start: async () => {
          await refuseRemoved(options.schema, all, options.removals);
          for (const held of forms.values()) await held.look();
          await prepareListening(options.sql, consumed);
          await prepareReadings(options.sql, consumed);
          warnOfSmallPayload(options);
        },
        stop: () => {},
      },
      // Stopped after the relay, so that what it has under way still gets its answers.
      {
        name: 'link connections',
        start: () => {},
        stop: () => {
          publisher.stop();
          asker.close();
          for (const dispatcher of dispatchers.values()) dispatcher.close();
        },
      },
      upkeepOf({ ...options, horizonDays, tables }),
      answeringAgent(options.nats, options.log, { ...options, consumed, manager }),
      horizon,
      listening,
      unparker,
      relay,
    ],
    services: [serve(LinkParticipant, participant), ...pushServices(service, consumed, receivers)],
    blockedLegs: () => relay.blockedLegs(),
    requireReadable: () => newer.requireNone(),
    requireName: () => relay.requireName(),
    brokerRefusal: () => refusals.any,
    requireHorizon: () => horizon.requireLongEnough(),
    consumedLegs: () => consumedLegs(service, receivers),
    enqueue: (tx, id, messages) => enqueue(tx, linkOf(links, id), messages),
    deliver: (messages) => deliver(relay, messages),
  };
}

function historyOf(produced: readonly LinkDefinition[], keepDays: number): DayTable[] {
  const hasHistory = produced.some(({ kind }) => kind === 'functional');
  return hasHistory ? [{ table: 'history', column: 'closed_at', keepDays, beginsNow: true }] : [];
}

/** The handlers; those of links whose rows may lose a form know which are left. */
function holdForms(
  { handlers, schema, removals = {} }: KitOptions,
  forms: Map<string, HeldForms>,
): KitOptions['handlers'] {
  const held = Object.entries(handlers).map(([id, handler]) => {
    const due = removals[id];
    if (handler?.kind !== 'formal' || !due) return [id, handler];
    const last = Math.max(...Object.keys(due).map(Number));
    const form = new HeldForms(() => oldestHeld(schema, due), last);
    forms.set(id, form);
    return [id, form.wrap(handler)];
  });
  return Object.fromEntries(held);
}

/** How the owner's fields of a link are read; undefined when no version needs any. */
function complementsOf({ sources, sql }: KitOptions, link: string): ReadComplements | undefined {
  const read = sources?.[link]?.complement;
  return read && ((keys) => read(sql, keys));
}

function warnOfSmallPayload({ nats, log }: KitOptions): void {
  const maxPayload = nats.info?.max_payload ?? NEEDED_PAYLOAD;
  if (maxPayload < NEEDED_PAYLOAD)
    log.warn(
      { maxPayload, needed: NEEDED_PAYLOAD },
      'larger messages will wait: raise max_payload of the NATS server',
    );
}

function createReceivers(
  options: KitOptions,
  consumed: readonly LinkDefinition[],
  newer: NewerContracts,
  onCommitted: ReceiverOptions['onCommitted'],
): Map<string, Receiver> {
  return new Map(
    consumed.map((link) => {
      const handler = requireHandler(link, options.handlers[link.id]);
      if (link.transports.includes('pull') && !options.pulls?.[link.id])
        throw new LinkError('UNKNOWN_LINK', `${link.id} may be pull, and there is no way to ask`);
      const { sql, log, limits = {} } = options;
      const onNewer = (detail: string) => newer.note(link.id, detail);
      return [link.id, new Receiver({ sql, log, link, handler, limits, onCommitted, onNewer })];
    }),
  );
}

function createSyncDispatchers(
  options: KitOptions,
  produced: readonly LinkDefinition[],
): Map<string, GrpcDispatcher> {
  const dispatchers = new Map<string, GrpcDispatcher>();
  for (const link of produced)
    for (const consumer of Object.keys(link.consumers)) {
      const addresses = options.peers[consumer];
      if (!addresses?.length)
        throw new LinkError('UNKNOWN_CONSUMER', `no address of ${consumer}: set RELINK_PEERS`);
      const dispatcher = new GrpcDispatcher(link, consumer, options.service, [...addresses]);
      dispatchers.set(`${link.id}/${consumer}`, dispatcher);
    }
  return dispatchers;
}

function createStreamConsumers(
  options: KitOptions,
  consumed: readonly LinkDefinition[],
  receivers: ReadonlyMap<string, Receiver>,
): Map<string, StreamConsumer> {
  const { nats, log, service } = options;
  return new Map(
    consumed.map((link) => {
      const receiver = receivers.get(link.id)!;
      const options = { nats, log, link, service, receiver };
      return [link.id, new StreamConsumer(options)];
    }),
  );
}

function createUnparker(
  { log, nats, service }: KitOptions,
  consumed: readonly LinkDefinition[],
  receivers: ReadonlyMap<string, Receiver>,
): Unparker {
  const ordered = consumed.filter((link) => link.ordered);
  const links = ordered.map((link) => ({ link, receiver: receivers.get(link.id)! }));
  return new Unparker({ log, nats, service, links });
}

/** The services whose methods carry `sync` links to this consumer. */
function pushServices(
  service: string,
  consumed: readonly LinkDefinition[],
  receivers: ReadonlyMap<string, Receiver>,
): ServedService[] {
  const served = new Map<string, ServedService>();
  for (const link of consumed) {
    const method = link.consumers[service]!.push;
    const name = method.parent.typeName;
    const one = served.get(name) ?? unmappedService(method.parent);
    one.handlers[method.localName] = pushHandler(link, receivers.get(link.id)!);
    served.set(name, one);
  }
  return [...served.values()];
}

function consumedLegs(service: string, receivers: ReadonlyMap<string, Receiver>) {
  return new Map(
    [...receivers].map(([link, { breaker }]) => [legOf(link, service), breaker.pause] as const),
  );
}

async function deliver(relay: Relay, messages: readonly Enqueued[]): Promise<LegDelivery[]> {
  const waits = messages.map(async (message): Promise<LegDelivery> => {
    const transport = relay.transportOf(message);
    // By `pull` the consumer asks for what was just committed: nothing is on its way.
    const isApplied =
      transport === 'pull' ||
      (transport === 'sync' && (await relay.waitForReceipt(message, INLINE_WAIT_MS)));
    const [link, consumer] = message.leg.split('/') as [string, string];
    return { link, consumer, state: isApplied ? 'applied' : 'pending' };
  });
  relay.committed(messages);
  return Promise.all(waits);
}
