/**
 * All that a producer does: write the message in the business transaction. No route is read here
 * (late binding): the relay picks transport and contract version at dispatch, so a business
 * transaction never waits for a migration, fails because of one, or notices it.
 */

import { randomUUIDv7 } from 'node:crypto';
import type { Transaction } from '../../runtime/postgres.ts';
import { type Contract, type EventJson, encodeText } from '../contracts/contract.ts';
import type { Mapping } from '../contracts/mapping.ts';
import { LinkError } from '../errors.ts';
import { type EventOf, type LinkDefinition, laneOf, legsOf } from '../link.ts';
import { contractAt, newestContract, textIn, writesOf } from '../versions.ts';
import type { Enqueued, Message, MessageFor } from './message.ts';
import type { OutboxRow } from './openRows.ts';
import { noteWritten } from './written.ts';

/**
 * Writes messages of one link, one outbox row per leg, in the caller's transaction. If not awaited
 * at once, it is pipelined behind the statements before it.
 * @throws LinkError INVALID_EVENT when a payload does not fit the newest contract; nothing is
 *   written
 */
export async function enqueue<Link extends LinkDefinition>(
  tx: Transaction,
  link: Link,
  messages: readonly MessageFor<EventOf<Link>>[],
): Promise<Enqueued[]> {
  const rowsOf = messages.map((message) => outboxRows(link, message));
  const rows = rowsOf.flat();
  noteWritten(
    tx,
    rowsOf.flatMap(([row], i) =>
      row ? [{ link: link.id, lane: row.lane, message: messages[i]! }] : [],
    ),
  );
  const written = await (messages.length === 1 ? writeOne(tx, rows) : writeMany(tx, rows));
  return written.map((row) => ({
    link: link.id,
    leg: row.leg,
    lane: row.lane,
    seq: row.seq,
    eventId: row.event_id,
  }));
}

interface Written {
  readonly leg: string;
  readonly seq: number;
  readonly lane: number;
  readonly event_id: string;
}

/**
 * One message on all its legs, as a business transaction writes it. The event is sent once, as
 * scalars: half the work of an array per column, here and in the server (measured).
 */
function writeOne(tx: Transaction, rows: readonly OutboxInsert[]) {
  const [row] = rows;
  if (!row) return [];
  return tx<Written[]>`
    insert into relink.outbox
      (leg, lane, key, version, event, event_version, event_id, body, traceparent)
    select leg, ${row.lane}::int2, ${row.key}::text, ${row.version}::int8, ${row.event}::text,
      ${row.eventVersion}::int2, ${row.eventId}::uuid, ${row.body}::text, ${row.traceparent}::text
    from unnest(${rows.map((one) => one.leg)}::text[]) leg
    returning leg, seq::float8 as seq, lane, event_id`;
}

/** Many messages, as a backfill writes them. */
function writeMany(tx: Transaction, rows: readonly OutboxInsert[]) {
  const column = <T>(pick: (row: OutboxInsert) => T) => rows.map(pick);
  return tx<Written[]>`
    insert into relink.outbox
      (leg, lane, key, version, event, event_version, event_id, body, traceparent)
    select * from unnest(
      ${column((r) => r.leg)}::text[], ${column((r) => r.lane)}::int2[],
      ${column((r) => r.key)}::text[], ${column((r) => r.version.toString())}::int8[],
      ${column((r) => r.event)}::text[], ${column((r) => r.eventVersion)}::int2[],
      ${column((r) => r.eventId)}::uuid[], ${column((r) => r.body)}::text[],
      ${column((r) => r.traceparent)}::text[])
    returning leg, seq::float8 as seq, lane, event_id`;
}

/** Half of a NATS server's default limit (1 MiB), which leaves room for headers and growth. */
export const MAX_EVENT_BYTES = 512 * 1024;

/** The row that a message would become, without writing it: a probe sends it as a copy. */
export function outboxRowOf(link: LinkDefinition, message: Message, leg: string): OutboxRow {
  const [row] = outboxRows(link, { ...message, legs: [leg] });
  return { ...row!, seq: 0, ageMs: 0 };
}

interface OutboxInsert {
  readonly leg: string;
  readonly lane: number;
  readonly key: string;
  readonly version: bigint;
  readonly event: string;
  readonly eventVersion: number;
  readonly eventId: string;
  readonly body: string;
  readonly traceparent: string | null;
}

/** What was written must be able to travel in every version that a route may name. */
function problemsOf(link: LinkDefinition, contract: Contract, event: EventJson) {
  const problems = contract.findProblems(event);
  if (problems.length > 0) return problems;
  const isStepDown = ({ newer }: Mapping) =>
    newer.event === contract.event && newer.version === contract.version;
  return link.mappings?.find(isStepDown)?.findProblems(event.payload) ?? [];
}

function outboxRows(link: LinkDefinition, message: Message): OutboxInsert[] {
  const contract = newestContract(link, message.event);
  if (!contract)
    throw new LinkError('UNKNOWN_EVENT', `${link.id} does not carry an event ${message.event}`);
  const event = {
    event_id: randomUUIDv7(),
    event_version: contract.version,
    event_name: contract.event,
    produced_at: new Date().toISOString(),
    payload: message.payload,
  };
  const problems = problemsOf(link, contract, event);
  if (problems.length > 0)
    throw new LinkError(
      'INVALID_EVENT',
      `${contract.event} v${contract.version} ${problems[0]?.field}: ${problems[0]?.message}`,
      { details: { problems } },
    );
  const key = String(message.payload[link.keyField]);
  const eventVersion = contractAt(link, contract.event, writesOf(link))!.version;
  const newest = { event: contract.event, eventVersion: contract.version };
  const text = { ...newest, body: encodeText(contract, event) };
  const body = textIn(link, text, eventVersion, message.complement);
  if (Buffer.byteLength(body) > MAX_EVENT_BYTES)
    throw new LinkError(
      'INVALID_EVENT',
      `${contract.event} is larger than ${MAX_EVENT_BYTES} bytes`,
    );
  const row = {
    lane: laneOf(key),
    key,
    version: message.version,
    event: contract.event,
    eventVersion,
    eventId: event.event_id,
    body,
    traceparent: message.traceparent ?? null,
  };
  return (message.legs ?? legsOf(link)).map((leg) => ({ ...row, leg }));
}
