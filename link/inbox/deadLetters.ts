/**
 * Dead letters: messages this consumer gave up on, kept with payload, headers, reason and attempts
 * until a person redrives or discards them. Written in one transaction with the inbox row, so a
 * message is never both dead and applied.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { Database, Transaction } from '../../runtime/postgres.ts';
import { laneOf } from '../link.ts';
import { type Arrival, type DeadReason, hashedOf, isUuid } from './delivery.ts';
import { holdFence } from './fence.ts';

export interface DeadLetterRow {
  readonly id: string;
  readonly event_id: string | null;
  readonly link: string;
  readonly lane: number;
  readonly epoch: bigint;
  readonly event: string;
  readonly event_version: number;
  readonly key: string;
  readonly version: bigint;
  readonly reason: DeadReason;
  readonly detail: string;
  readonly attempts: number;
  readonly state: 'dead' | 'redriven' | 'discarded';
  readonly body: string;
  readonly headers: Record<string, string>;
  readonly revision: number;
  readonly died_at: string;
}

/** Why a message was given up. */
export interface WhyDead {
  readonly reason: DeadReason;
  readonly detail: string;
  /** Failed attempts. */
  readonly attempts: number;
}

const KEY_MAX = 500; // characters; an index holds at most about 2,700 bytes
const DETAIL_MAX = 2_000; // characters; many of them fit into one answer
const INT4_MAX = 2 ** 31 - 1;

/** PostgreSQL's texts hold every character but this one. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}

/** Why something failed, as it is kept and answered: an error may have any text, however long. */
export function storableDetail(text: string): string {
  return withoutNul(text).slice(0, DETAIL_MAX);
}

/** A refused arrival as PostgreSQL can keep it: nothing in it was trusted, not even its characters. */
export function storable(arrival: Arrival): Arrival {
  const { eventVersion, traceparent } = arrival;
  const isVersion = Number.isInteger(eventVersion) && Math.abs(eventVersion) <= INT4_MAX;
  return {
    ...arrival,
    eventId: withoutNul(arrival.eventId),
    event: withoutNul(arrival.event),
    eventVersion: isVersion ? eventVersion : -1,
    key: withoutNul(arrival.key).slice(0, KEY_MAX),
    source: withoutNul(arrival.source),
    traceparent: traceparent && withoutNul(traceparent),
    text: withoutNul(arrival.text),
  };
}

/** Writes a dead letter, unless one for the same message, payload and reason is open already. */
export async function bury(tx: Transaction, arrival: Arrival, why: WhyDead): Promise<void> {
  const eventId = isUuid(arrival.eventId) ? arrival.eventId : null;
  const headers = {
    source: arrival.source,
    event_id: arrival.eventId,
    ...(arrival.traceparent ? { traceparent: arrival.traceparent } : {}),
  };
  await tx`
    insert into relink.dead_letters (id, event_id, link, lane, epoch, event, event_version, key,
      version, reason, detail, attempts, body, headers)
    select ${randomUUIDv7()}, ${eventId}, ${arrival.link}, ${laneOf(arrival.key)},
      ${arrival.epoch}, ${arrival.event}, ${arrival.eventVersion}, ${arrival.key},
      ${arrival.version}, ${why.reason}, ${why.detail}, ${why.attempts}, ${arrival.text},
      ${JSON.stringify(headers)}::text::jsonb
    where not exists (select from relink.dead_letters
      where event_id = ${eventId}::uuid and reason = ${why.reason} and body = ${arrival.text}
        and state = 'dead')`;
}

/**
 * Enters a message in the inbox as dead, behind the same fence as effects. Returns false when it is
 * there already or the fence refuses its epoch. One that is past the horizon is entered under epoch 0,
 * which no certificate counts: it may have been counted before.
 */
export async function enterDead(tx: Transaction, arrival: Arrival): Promise<boolean> {
  const { hash, hashedVersion } = hashedOf(arrival);
  await holdFence(tx, arrival.link);
  const rows = await tx`
    insert into relink.inbox
      (event_id, link, lane, epoch, key, version, event_version, hash, outcome, copied)
    select ${arrival.eventId}, ${arrival.link}, ${laneOf(arrival.key)},
      case when exists (select from relink.memory where ${arrival.eventId} < kept_from
        and relink.has_time(${arrival.eventId})) then 0 else ${arrival.epoch} end,
      ${arrival.key}, ${arrival.version}, ${hashedVersion}, ${hash}, 'dead',
      ${arrival.isCopied}
    where not exists (select from relink.fences where link = ${arrival.link}
      and lane = ${laneOf(arrival.key)} and min_epoch > ${arrival.epoch}
      and ${arrival.epoch} > 0)
    on conflict (event_id) do nothing returning event_id`;
  return rows.length === 1;
}

export async function listDeadLetters(
  sql: Database,
  wanted: { link?: string; limit: number; afterId?: string; all?: boolean },
): Promise<DeadLetterRow[]> {
  return sql<DeadLetterRow[]>`
    select id, event_id, link, lane, epoch, event, event_version, key, version, reason, detail,
      attempts, state, '' as body, headers, revision, died_at::text as died_at
    from relink.dead_letters
    where (${wanted.link ?? ''} = '' or link = ${wanted.link ?? ''})
      and (${wanted.all ?? false} or state = 'dead')
      and (${wanted.afterId ?? ''} = '' or id::text > ${wanted.afterId ?? ''})
    order by id limit ${wanted.limit}`;
}

export async function countDeadLetters(sql: Database, link: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count
    from relink.dead_letters where state = 'dead' and (${link} = '' or link = ${link})`;
  return row!.count;
}

export async function readDeadLetter(
  sql: Database | Transaction,
  id: string,
): Promise<DeadLetterRow | undefined> {
  if (!isUuid(id)) return undefined;
  const [row] = await sql<DeadLetterRow[]>`
    select *, died_at::text as died_at from relink.dead_letters where id = ${id}`;
  return row;
}

/**
 * Takes a dead letter for a redrive, in the transaction of its effect: exactly one caller gets it,
 * however many callers ask, because the row is locked and must still be dead.
 */
export async function takeForRedrive(
  tx: Transaction,
  id: string,
  actor: string,
): Promise<DeadLetterRow | undefined> {
  const [row] = await tx<DeadLetterRow[]>`
    update relink.dead_letters set state = 'redriven', ended_at = now(), actor = ${actor},
      revision = revision + 1
    where id = ${id} and state = 'dead' returning *, died_at::text as died_at`;
  return row;
}

/** Discards a message for good. Returns false when it is no longer dead. */
export async function discardDeadLetter(
  tx: Transaction | Database,
  id: string,
  actor: string,
  reason: string,
): Promise<boolean> {
  const rows = await tx`
    update relink.dead_letters set state = 'discarded', ended_at = now(), actor = ${actor},
      detail = detail || ${`; discarded: ${reason}`}, revision = revision + 1
    where id = ${id} and state = 'dead' returning id`;
  return rows.length === 1;
}

/** Replaces the payload, if nobody edited it since `revision`. Returns the new revision. */
export async function editDeadLetter(
  sql: Database,
  edit: { id: string; revision: number; body: string; actor: string },
): Promise<number | undefined> {
  const [row] = await sql<{ revision: number }[]>`
    update relink.dead_letters set body = ${edit.body}, actor = ${edit.actor},
      revision = revision + 1
    where id = ${edit.id} and revision = ${edit.revision} and state = 'dead' returning revision`;
  return row?.revision;
}

/** The arrival a dead letter was made from, with its payload as it is now. */
export function arrivalOf(row: DeadLetterRow): Arrival {
  return {
    link: row.link,
    eventId: row.event_id ?? row.headers.event_id ?? '',
    event: row.event,
    eventVersion: row.event_version,
    key: row.key,
    version: row.version,
    epoch: row.epoch,
    source: row.headers.source ?? '',
    isShadow: false,
    isCopied: false,
    traceparent: row.headers.traceparent,
    text: row.body,
  };
}
