/**
 * The link kit's tables, in the schema `relink` of every service's database: the producer's side
 * (outbox, routes, lanes, closed) and the consumer's side (inbox, fences, dead letters, …).
 * The hot statements on them are plain SQL in `link/`; this file is where their shape is decided.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  numeric,
  pgSchema,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

export const relink = pgSchema('relink');

const int8 = (name: string) => bigint(name, { mode: 'bigint' });
const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });

/**
 * One row per message and leg that is not yet closed by a receipt. Rows are removed, never marked:
 * what is open is what exists, so no cursor can skip a row that committed late.
 */
export const outbox = relink.table(
  'outbox',
  {
    /** `COMM-010/hiring`: the link and the consumer. */
    leg: text().notNull(),
    seq: int8('seq').notNull().generatedAlwaysAsIdentity(),
    lane: smallint().notNull(),
    key: text().notNull(),
    /** The entity's version, taken under its row lock: the only source of order. */
    version: int8('version').notNull(),
    event: text().notNull(),
    eventVersion: smallint('event_version').notNull(),
    eventId: uuid('event_id').notNull(),
    /** The event as canonical ProtoJSON text, in the newest contract version the producer knows. */
    body: text().notNull(),
    traceparent: text(),
    createdAt: time('created_at').notNull().default(sql`clock_timestamp()`),
  },
  (t) => [
    primaryKey({ columns: [t.leg, t.seq] }),
    check('outbox_lane', sql`lane between 0 and 15`),
  ],
);

/** The highest epoch a link has ever used; a route change takes the next one. */
export const links = relink.table('links', {
  link: text().primaryKey(),
  epoch: int8('epoch').notNull(),
  /** Grows with every change of the link's routes: a relay polls this one number. */
  revision: int8('revision').notNull().default(sql`0`),
});

/** A leg's route per lane: what was asked for, and what the lane's owner has adopted. */
export const routes = relink.table(
  'routes',
  {
    leg: text().notNull(),
    lane: smallint().notNull(),
    transport: text().notNull(),
    version: smallint().notNull(),
    epoch: int8('epoch').notNull(),
    hold: boolean().notNull().default(true),
    changedAt: time('changed_at').notNull().default(sql`clock_timestamp()`),
    adoptedTransport: text('adopted_transport').notNull(),
    adoptedVersion: smallint('adopted_version').notNull(),
    adoptedEpoch: int8('adopted_epoch').notNull(),
    /** Rows up to here were open, and maybe sent by an older route, when it was left unheld. */
    carriedThrough: int8('carried_through').notNull().default(sql`0`),
    shadow: text(),
  },
  (t) => [
    primaryKey({ columns: [t.leg, t.lane] }),
    check('routes_epoch', sql`adopted_epoch <= epoch`),
    check('routes_transport', sql`transport in ('sync', 'async', 'pull')`),
  ],
);

/** Who relays a lane of a link, until when, and under which fencing term. */
export const lanes = relink.table(
  'lanes',
  {
    link: text().notNull(),
    lane: smallint().notNull(),
    owner: text(),
    term: int8('term').notNull().default(sql`0`),
    expiresAt: time('expires_at').notNull().default(sql`'-infinity'`),
  },
  (t) => [
    primaryKey({ columns: [t.link, t.lane] }),
    // Makes the term a key: `for key share` of a closing then waits for a new term, and for no renewal.
    uniqueIndex('lanes_term').on(t.link, t.lane, t.term),
  ],
);

/** The relays that are alive: they share the lanes evenly. */
export const relays = relink.table('relays', {
  instance: text().primaryKey(),
  seenAt: time('seen_at').notNull(),
  /** Links with messages that this relay cannot read: others take their lanes. */
  declines: text().array().notNull().default(sql`'{}'`),
  /**
   * The advisory lock that its process holds for as long as its connection lasts, and the `seen_at` that
   * came with it: a build without such a lock changes `seen_at` alone.
   */
  process: int8('process'),
  processSeenAt: time('process_seen_at'),
});

/** What receipts closed, per lane and epoch: one side of a certificate. */
export const closed = relink.table(
  'closed',
  {
    leg: text().notNull(),
    lane: smallint().notNull(),
    epoch: int8('epoch').notNull(),
    count: int8('count').notNull(),
    /** Exact sum of the signed 64-bit message hashes. */
    sum: numeric().notNull(),
  },
  (t) => [primaryKey({ columns: [t.leg, t.lane, t.epoch] })],
);

/**
 * Messages of functional links that receipts closed, for a while: what a consumer lost with its database
 * is sent again from here. Partitioned by the day of closing (drizzle-kit cannot write that; the change's
 * SQL does), so that the oldest are dropped whole. No constraint may ever stop a closing, so it has none.
 */
export const history = relink.table(
  'history',
  {
    leg: text().notNull(),
    /** UUIDv7: in the order of writing, so that the index grows at its end. */
    eventId: uuid('event_id').notNull(),
    lane: smallint().notNull(),
    key: text().notNull(),
    version: int8('version').notNull(),
    event: text().notNull(),
    eventVersion: smallint('event_version').notNull(),
    body: text().notNull(),
    traceparent: text(),
    createdAt: time('created_at').notNull(),
    closedAt: time('closed_at').notNull().default(sql`clock_timestamp()`),
    /** What `closed` counts of it: the epoch under which it was settled, and the hash of its text there. */
    epoch: int8('epoch').notNull(),
    hash: int8('hash').notNull(),
    hashedVersion: smallint('hashed_version').notNull(),
  },
  (t) => [index('history_event').on(t.eventId)],
);

/** Messages of a leg that were taken out of the history and sent again, and by whom. */
export const repairs = relink.table(
  'repairs',
  {
    id: uuid().primaryKey(),
    leg: text().notNull(),
    eventId: uuid('event_id').notNull(),
    key: text().notNull(),
    version: int8('version').notNull(),
    /** The epoch that no longer counts it. */
    epoch: int8('epoch').notNull(),
    actor: text().notNull(),
    repairedAt: time('repaired_at').notNull().default(sql`clock_timestamp()`),
  },
  (t) => [index('repairs_leg').on(t.leg, t.repairedAt)],
);

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
