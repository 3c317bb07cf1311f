/** What the link kit keeps for the links that a service produces: outbox, routes, lanes, history. */
import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  index,
  numeric,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { int8, relink, time } from './schema.ts';

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
 * Messages that a consumer gave up on, for the requests that wait for them in a process that does not
 * own their lane: it sees only that the row is gone. Of the last hour.
 */
export const givenUp = relink.table(
  'given_up',
  {
    leg: text().notNull(),
    eventId: uuid('event_id').notNull(),
    at: time('at').notNull().default(sql`now()`),
  },
  (t) => [primaryKey({ columns: [t.leg, t.eventId] })],
);
