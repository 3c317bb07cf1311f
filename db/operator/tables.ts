/**
 * The engine's memory, in the schema `migration` of the operator's database: runs with their steps
 * and evidence, signed certificates, the signing key, the lease that lets one engine act, and what
 * contracts services say they write and read.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

export const migration = pgSchema('migration');

const int8 = (name: string) => bigint(name, { mode: 'bigint' });
const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });

/** Who may act, until when, and under which fencing term. One row: `engine`. */
export const leases = migration.table('leases', {
  name: text().primaryKey(),
  owner: text(),
  term: int8('term').notNull().default(sql`0`),
  expiresAt: time('expires_at').notNull().default(sql`'-infinity'`),
});

/** One execution of a plan. `revision` grows with every change: the compare-and-set of a run. */
export const runs = migration.table(
  'runs',
  {
    id: uuid().primaryKey(),
    plan: text().notNull(),
    link: text().notNull(),
    /** Empty when the run moves every consumer of the link. */
    consumer: text().notNull(),
    consumers: text().array().notNull(),
    producer: text().notNull(),
    fromTransport: text('from_transport').notNull(),
    fromVersion: smallint('from_version').notNull(),
    toTransport: text('to_transport').notNull(),
    toVersion: smallint('to_version').notNull(),
    /** Links whose contract version moves along: `{ link, consumers, from, to }` of each. */
    others: jsonb().notNull().default([]),
    wayBack: text('way_back').notNull(),
    /** Waits for a person after every step. */
    stepByStep: boolean('step_by_step').notNull(),
    /** Lanes wait until what is in flight by the old route is closed. */
    hold: boolean().notNull(),
    settings: jsonb().notNull(),
    actor: text().notNull(),
    state: text().notNull().default('planned'),
    direction: text().notNull().default('forward'),
    /** How a run that goes back will end. */
    endsAs: text('ends_as').notNull().default('rolled_back'),
    problem: text().notNull().default(''),
    /** What the run waits for, with number and threshold. */
    waiting: jsonb(),
    /** What steps learnt and later steps need. */
    memory: jsonb().notNull().default({}),
    revision: int8('revision').notNull().default(sql`1`),
    startedAt: time('started_at').notNull().default(sql`clock_timestamp()`),
    endedAt: time('ended_at'),
    isLive: boolean('is_live')
      .notNull()
      .generatedAlwaysAs(sql`state in ('planned', 'running', 'waiting', 'paused', 'rolling_back')`),
  },
  (t) => [
    unique('runs_liveness').on(t.id, t.isLive),
    index('runs_started').on(t.startedAt),
    check(
      'runs_state',
      sql`state in ('planned', 'running', 'waiting', 'paused', 'rolling_back', 'rolled_back',
        'completed', 'failed', 'cancelled')`,
    ),
    check('runs_direction', sql`direction in ('forward', 'back')`),
    check('runs_way_back', sql`way_back in ('keep', 'none')`),
  ],
);

/**
 * The legs a run holds. `isLive` follows the run's state through the foreign key, so that nobody
 * can end a run and keep its legs or let go of the legs of a live run; a run of a whole link holds
 * each of its legs.
 */
export const runLegs = migration.table(
  'run_legs',
  {
    runId: uuid('run_id').notNull(),
    link: text().notNull(),
    consumer: text().notNull(),
    isLive: boolean('is_live').notNull().default(true),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.link, t.consumer] }),
    foreignKey({
      name: 'run_legs_follow_run',
      columns: [t.runId, t.isLive],
      foreignColumns: [runs.id, runs.isLive],
    }).onUpdate('cascade'),
    uniqueIndex('run_legs_one_live_run').on(t.link, t.consumer).where(sql`is_live`),
  ],
);

/** The steps of a run in their order, each with what it needs to be resumed. */
export const steps = migration.table(
  'steps',
  {
    runId: uuid('run_id')
      .notNull()
      .references(() => runs.id),
    position: smallint().notNull(),
    name: text().notNull(),
    title: text().notNull(),
    /** The number of the step in the description of the migration. */
    number: text().notNull(),
    kind: text().notNull(),
    undo: text().notNull(),
    state: text().notNull().default('pending'),
    checkpoint: jsonb().notNull().default({}),
    done: int8('done').notNull().default(sql`0`),
    total: int8('total').notNull().default(sql`0`),
    startedAt: time('started_at'),
    endedAt: time('ended_at'),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.position] }),
    check('steps_kind', sql`kind in ('step', 'gate')`),
    check(
      'steps_state',
      sql`state in ('pending', 'running', 'done', 'failed', 'undoing', 'undone')`,
    ),
  ],
);

/**
 * What steps and gates saw: the latest reading of each thing, with verdict, number and threshold.
 */
export const evidence = migration.table(
  'evidence',
  {
    runId: uuid('run_id').notNull(),
    position: smallint().notNull(),
    what: text().notNull(),
    verdict: text().notNull(),
    value: text().notNull(),
    threshold: text().notNull(),
    at: time('at').notNull().default(sql`clock_timestamp()`),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.position, t.what] }),
    foreignKey({
      name: 'evidence_of_step',
      columns: [t.runId, t.position],
      foreignColumns: [steps.runId, steps.position],
    }),
  ],
);

/** Signed statements, kept forever: one for each leg and epoch; of an erasure also each that proves it again. */
export const certificates = migration.table(
  'certificates',
  {
    id: uuid().primaryKey(),
    kind: text().notNull().default('closing'),
    runId: uuid('run_id').notNull(),
    link: text().notNull(),
    consumer: text().notNull(),
    epoch: int8('epoch').notNull(),
    /** 0 is the run's own; later proofs count on. */
    round: integer().notNull().default(0),
    count: int8('count').notNull(),
    statement: text().notNull(),
    signature: text().notNull(),
    publicKey: text('public_key').notNull(),
    signedAt: time('signed_at').notNull().default(sql`clock_timestamp()`),
  },
  (t) => [
    unique('certificates_one_per_epoch').on(t.link, t.consumer, t.epoch, t.round),
    check('certificates_kind', sql`kind in ('closing', 'erasure')`),
  ],
);

/** The Ed25519 key that signs certificates, made once. PEM text. */
export const signingKeys = migration.table(
  'signing_keys',
  {
    id: integer().primaryKey(),
    privateKey: text('private_key').notNull(),
    publicKey: text('public_key').notNull(),
    createdAt: time('created_at').notNull().default(sql`clock_timestamp()`),
  },
  () => [check('signing_keys_one', sql`id = 1`)],
);

/**
 * Every text that a process said a contract version has. The first one counts as registered: another
 * text under the same version is an alarm. `hash` leaves out the words for people.
 */
export const contracts = migration.table(
  'contracts',
  {
    id: int8('id').primaryKey().generatedAlwaysAsIdentity(),
    event: text().notNull(),
    version: smallint().notNull(),
    hash: text().notNull(),
    schema: text().notNull(),
    /** The process that named it first, such as `hiring/hiring-1`. */
    registeredBy: text('registered_by').notNull(),
    registeredAt: time('registered_at').notNull().default(sql`clock_timestamp()`),
  },
  (t) => [unique('contracts_one_per_text').on(t.event, t.version, t.hash)],
);

/** Which processes write or read which text of a contract on which link, and when they said so. */
export const contractUses = migration.table(
  'contract_uses',
  {
    contract: int8('contract')
      .notNull()
      .references(() => contracts.id),
    link: text().notNull(),
    service: text().notNull(),
    side: text().notNull(),
    instance: text().notNull(),
    firstSeen: time('first_seen').notNull().default(sql`clock_timestamp()`),
    lastSeen: time('last_seen').notNull().default(sql`clock_timestamp()`),
  },
  (t) => [
    primaryKey({ columns: [t.contract, t.link, t.service, t.side, t.instance] }),
    check('contract_uses_side', sql`side in ('producer', 'consumer')`),
  ],
);

/** Contract versions that are given up for good, with what was looked at before. */
export const contractRetirements = migration.table(
  'contract_retirements',
  {
    event: text().notNull(),
    version: smallint().notNull(),
    reason: text().notNull(),
    evidence: jsonb().notNull(),
    retiredBy: text('retired_by').notNull(),
    retiredAt: time('retired_at').notNull().default(sql`clock_timestamp()`),
  },
  (t) => [primaryKey({ columns: [t.event, t.version] })],
);
