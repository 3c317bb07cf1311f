/** What the link kit keeps for the links that a service consumes: inbox, digests, fences, dead letters. */
import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  numeric,
  primaryKey,
  smallint,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import { int8, relink, time } from './schema.ts';

/**
 * Every message this service settled: makes its effect happen once. Partitioned by the days of ids
 * (UUIDv7), `inbox_20261129` and so on; `inbox_rest` has the ids of no day: those of before there
 * were partitions, and those that tell no time. See link/inbox/days.ts.
 */
export const inbox = relink.table(
  'inbox',
  {
    eventId: uuid('event_id').primaryKey(),
    link: text().notNull(),
    lane: smallint().notNull(),
    epoch: int8('epoch').notNull(),
    key: text().notNull(),
    version: int8('version').notNull(),
    /** Contract version it came in; `hash` compares only within one. */
    eventVersion: smallint('event_version').notNull(),
    hash: int8('hash').notNull(),
    outcome: text().notNull(),
    /** A copy of it was sent on the second path, to be compared. */
    copied: boolean().notNull().default(false),
    receivedAt: time('received_at').notNull().default(sql`now()`),
  },
  (t) => [index('inbox_received_at').using('brin', t.receivedAt)],
);

/** From which id on the inbox still has every message; older ones may have been forgotten. */
export const memory = relink.table(
  'memory',
  {
    /** There is one row at most. */
    isOnly: boolean('is_only').primaryKey().default(true),
    keptFrom: uuid('kept_from').notNull(),
  },
  () => [check('memory_only', sql`is_only`)],
);

/**
 * What the inbox says was settled, added up as its rows change: the other side of a certificate. The
 * triggers of `relink.inbox` write it, in the transaction of the rows; nothing else does.
 */
export const settled = relink.table(
  'settled',
  {
    link: text().notNull(),
    lane: smallint().notNull(),
    epoch: int8('epoch').notNull(),
    /** The contract version whose text is hashed. */
    eventVersion: smallint('event_version').notNull(),
    outcome: text().notNull(),
    /** One for each transaction that writes at the same time, so that none waits for another. */
    shard: integer().notNull(),
    /** Below zero where an outcome that another shard counted was changed. */
    count: int8('count').notNull(),
    /** Exact sum of the signed 64-bit message hashes. */
    sum: numeric().notNull(),
  },
  (t) => [primaryKey({ columns: [t.link, t.lane, t.epoch, t.eventVersion, t.outcome, t.shard] })],
);

/** Failed tries of a message, counted outside the transaction that failed. */
export const attempts = relink.table('attempts', {
  eventId: uuid('event_id').primaryKey(),
  link: text().notNull(),
  count: integer().notNull(),
  detail: text().notNull(),
  lastAt: time('last_at').notNull().default(sql`now()`),
});

/** The receiver's fence: older epochs of a lane are refused before they commit. */
export const fences = relink.table(
  'fences',
  {
    link: text().notNull(),
    lane: smallint().notNull(),
    minEpoch: int8('min_epoch').notNull(),
  },
  (t) => [primaryKey({ columns: [t.link, t.lane] })],
);

/** Ordered functional links: the last version of a key that was applied. */
export const positions = relink.table(
  'positions',
  {
    link: text().notNull(),
    key: text().notNull(),
    version: int8('version').notNull(),
  },
  (t) => [primaryKey({ columns: [t.link, t.key] })],
);

/**
 * Messages that arrived before their turn on an ordered link, or behind a dead letter of their key.
 */
export const parked = relink.table(
  'parked',
  {
    eventId: uuid('event_id').primaryKey(),
    link: text().notNull(),
    key: text().notNull(),
    version: int8('version').notNull(),
    delivery: jsonb().notNull(),
    parkedAt: time('parked_at').notNull().default(sql`now()`),
  },
  (t) => [index('parked_turn').on(t.link, t.key, t.version)],
);

/** Versions that a person moved a key past, because they will not come. */
export const skips = relink.table('skips', {
  id: int8('id').primaryKey().generatedAlwaysAsIdentity(),
  link: text().notNull(),
  key: text().notNull(),
  fromVersion: int8('from_version').notNull(),
  throughVersion: int8('through_version').notNull(),
  reason: text().notNull(),
  actor: text().notNull(),
  skippedAt: time('skipped_at').notNull().default(sql`now()`),
});

/** Messages this service gave up on, until a person redrives or discards them. */
export const deadLetters = relink.table(
  'dead_letters',
  {
    id: uuid().primaryKey(),
    eventId: uuid('event_id'),
    link: text().notNull(),
    lane: smallint().notNull(),
    epoch: int8('epoch').notNull(),
    event: text().notNull(),
    eventVersion: smallint('event_version').notNull(),
    key: text().notNull(),
    version: int8('version').notNull(),
    reason: text().notNull(),
    detail: text().notNull(),
    attempts: integer().notNull(),
    state: text().notNull().default('dead'),
    body: text().notNull(),
    headers: jsonb().notNull(),
    revision: integer().notNull().default(1),
    actor: text(),
    diedAt: time('died_at').notNull().default(sql`now()`),
    endedAt: time('ended_at'),
  },
  (t) => [
    index('dead_letters_open').on(t.link, t.key).where(sql`state = 'dead'`),
    check('dead_letters_state', sql`state in ('dead', 'redriven', 'discarded')`),
  ],
);

/** Whether this service listens on a link's stream. */
export const listening = relink.table('listening', {
  link: text().primaryKey(),
  listening: boolean().notNull(),
  /** What is done with copies: `run` or `log`; null for the default of the kind of link. */
  copies: text(),
});

/** What a copy on the second path would have done. */
export const shadowResults = relink.table('shadow_results', {
  eventId: uuid('event_id').primaryKey(),
  link: text().notNull(),
  hash: int8('hash').notNull(),
  ok: boolean().notNull(),
  detail: text().notNull().default(''),
  /** Functional links: hash of what the handler wrote to the outbox; null when it did not run. */
  effect: int8('effect'),
  /** Hash of its basis: what else the handler read. */
  basis: int8('basis'),
  receivedAt: time('received_at').notNull().default(sql`now()`),
});

/** Functional links: hash of what the handler wrote to the outbox for a message that has a copy. */
export const effects = relink.table('effects', {
  eventId: uuid('event_id').primaryKey(),
  link: text().notNull(),
  effect: int8('effect').notNull(),
  basis: int8('basis').notNull(),
  appliedAt: time('applied_at').notNull().default(sql`now()`),
});

/** Links that may be `pull`: whose value this service uses, lane by lane. */
export const readings = relink.table(
  'readings',
  {
    link: text().notNull(),
    lane: smallint().notNull(),
    /** `replica`, `compared` (the replica answers, the owner is asked beside it) or `owner`. */
    reading: text().notNull(),
    /** Grows with every change of the link's readings: a late change is refused by it. */
    revision: int8('revision').notNull().default(sql`0`),
  },
  (t) => [
    primaryKey({ columns: [t.link, t.lane] }),
    check('readings_reading', sql`reading in ('replica', 'compared', 'owner')`),
  ],
);

/** The results of asking both the replica and the owner for the same value. */
export const comparisons = relink.table(
  'comparisons',
  {
    id: int8('id').primaryKey().generatedAlwaysAsIdentity(),
    link: text().notNull(),
    key: text().notNull(),
    /** `equal`, `behind` (the owner is newer), `different` or `unanswered`. */
    outcome: text().notNull(),
    latencyMs: doublePrecision('latency_ms').notNull(),
    comparedAt: time('compared_at').notNull().default(sql`now()`),
  },
  (t) => [index('comparisons_link').on(t.link, t.comparedAt)],
);
