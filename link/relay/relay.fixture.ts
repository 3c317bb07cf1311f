/**
 * A relay on a real PostgreSQL and NATS whose consumer is the test: it sees each call of a `sync`
 * route and answers it when it likes.
 */
import { randomUUIDv7 } from 'node:crypto';
import { jetstreamManager } from '@nats-io/jetstream';
import { applyExpand } from '../../db/schemaChanges.ts';
import { type Log, silentLog } from '../../runtime/log.ts';
import { connectNats, type NatsConnection } from '../../runtime/nats.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testNats } from '../../test/harness/nats.ts';
import type { Owner } from '../../test/harness/owner.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { until } from '../../test/harness/until.ts';
import { solutionCompleted } from '../inbox/solutions.fixture.ts';
import { laneOf } from '../link.ts';
import { enqueue } from '../outbox/enqueue.ts';
import type { Enqueued } from '../outbox/message.ts';
import type { Dispatcher, DispatchResult } from '../transport/dispatcher.ts';
import { lookAtStream } from '../transport/jetStream/look.ts';
import type { Parcel } from '../wire/parcel.ts';
import type { ReceiptOutcome } from '../wire/receipt.ts';
import type { AskReceipts } from './linkRelay.ts';
import { Relay } from './relay.ts';

export const LINK = links['COMM-040'];
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };

/** A call that the relay made and that waits for its answer. */
interface Call {
  readonly parcel: Parcel;
  readonly answer: (result: DispatchResult) => void;
}

/** The consumer at the other end; `answersAll` is what it says to calls that nobody holds. */
export class Consumer implements Dispatcher {
  readonly calls: Call[] = [];
  /** Calls of these keys wait until the test answers them. */
  isHeld: (key: string) => boolean = () => true;

  dispatch(parcels: readonly Parcel[]): Promise<DispatchResult[]> {
    return Promise.all(parcels.map((parcel) => this.#call(parcel)));
  }

  #call(parcel: Parcel): Promise<DispatchResult> {
    const { promise, resolve } = Promise.withResolvers<DispatchResult>();
    this.calls.push({ parcel, answer: resolve });
    if (!this.isHeld(parcel.row.key)) resolve(receiptOf(parcel, 'applied'));
    return promise;
  }

  /** The first call for the message, once it was made. */
  async callOf({ eventId }: Pick<Enqueued, 'eventId'>): Promise<Call> {
    const find = () => this.calls.find(({ parcel }) => parcel.row.eventId === eventId);
    return until(find, { what: 'the call is made', withinMs: 20_000 }) as Promise<Call>;
  }

  /** Nothing that still waits for an answer gets another one. */
  close(): void {
    for (const { answer } of this.calls) answer({ kind: 'failed', reason: 'the test is over' });
  }

  async answer(message: Pick<Enqueued, 'eventId'>, outcome: ReceiptOutcome = 'applied') {
    const { parcel, answer } = await this.callOf(message);
    answer(receiptOf(parcel, outcome));
  }
}

export function receiptOf({ row, to }: Parcel, outcome: ReceiptOutcome): DispatchResult {
  return { kind: 'receipt', receipt: { eventId: row.eventId, outcome, epoch: to[0]!.epoch } };
}

export interface RelayRigOptions {
  readonly queueSession?: Record<string, string | number | boolean>;
  readonly log?: Log;
  readonly ask?: AskReceipts;
  readonly windowBytes?: number;
  /** Where messages of an `async` route go; to the consumer unless given. */
  readonly async?: (nats: NatsConnection) => Dispatcher;
}

export interface RelayRig {
  readonly url: string;
  /** The test's own connections. */
  readonly sql: Database;
  readonly nats: NatsConnection;
  readonly consumer: Consumer;
  readonly relay: Relay;
  /** Another process of the service; `instance` is its name. */
  another(instance: string): Relay;
}

/** The relay is not started. */
export async function relayRig(t: Owner, options: RelayRigOptions = {}): Promise<RelayRig> {
  const nats = await testNats(t);
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test' });
  const { queueSession: session = {}, log = silentLog } = options;
  const queueSql = connectPostgres(url, { name: 'test/queue', max: 4, session });
  const { connection, close } = await connectNats(nats.url, { name: 'test' });
  const consumer = new Consumer();
  const relays: Relay[] = [];
  const pools = [sql, queueSql];
  t.after(async () => {
    consumer.close();
    await Promise.all(relays.map((relay) => relay.stop()));
    await Promise.all([close(), ...pools.map(closePostgres)]);
  });
  const another = (instance: string) => {
    const leaseSql = connectPostgres(url, { name: `${instance}/leases`, max: 1 });
    pools.push(leaseSql);
    const relay = new Relay({
      ...{
        sql,
        queueSql,
        leaseSql,
        nats: connection,
        log,
        service: 'hiring',
        instance,
        links: [LINK],
      },
      asyncDispatcher: () => options.async?.(connection) ?? consumer,
      syncDispatcher: () => consumer,
      keepsHistory: true,
      windowBytes: options.windowBytes ?? 1 << 26,
      ask: () => options.ask ?? (async () => ({ receipts: [] })),
      look: (link) => async (name) =>
        lookAtStream(await jetstreamManager(connection), link.id, name),
      raiseFence: () => () => Promise.resolve(),
    });
    relays.push(relay);
    return relay;
  };
  return { url, sql, nats: connection, consumer, relay: another('hiring-1'), another };
}

/** A use case writes a message; `key` is its solution. */
export async function write(
  sql: Database,
  key: string = randomUUIDv7(),
  version = 1n,
): Promise<Enqueued> {
  const { text } = solutionCompleted(key);
  const payload = { ...JSON.parse(text).payload, accepted_by: '' };
  const [message] = await sql.begin((tx) =>
    enqueue(tx, LINK, [{ event: 'SolutionCompleted', version, payload }]),
  );
  return message!;
}

/** Messages of these keys, in one transaction. */
export async function writeAll(sql: Database, keys: readonly string[]): Promise<Enqueued[]> {
  const messages = keys.map((key) => {
    const { text } = solutionCompleted(key);
    const payload = { ...JSON.parse(text).payload, accepted_by: '' };
    return { event: 'SolutionCompleted', version: 1n, payload } as const;
  });
  return sql.begin((tx) => enqueue(tx, LINK, messages));
}

/** A key of this lane. */
export function keyIn(lane: number): string {
  for (;;) {
    const key = randomUUIDv7();
    if (laneOf(key) === lane) return key;
  }
}

/** Whether the message still has its row. */
export async function isOpen(sql: Database, { eventId }: Enqueued): Promise<boolean> {
  const rows = await sql`select 1 from relink.outbox where event_id = ${eventId}`;
  return rows.length > 0;
}
