/** The tables that the finance service owns. */
import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  index,
  integer,
  pgTable,
  smallint,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';

const int8 = (name: string) => bigint(name, { mode: 'bigint' });
const time = (name: string) => timestamp(name, { withTimezone: true });

/** Transfers from this amount on, in minor units, have an index, so that they are added up quickly. */
export const LARGE_MINOR = 10_000_000n;
export const isLargeTransfer = sql.raw(`amount_minor >= ${LARGE_MINOR}`);

/** Money that was moved. An order counts once, by its idempotency key. */
export const transfers = pgTable(
  'transfers',
  {
    id: uuid().primaryKey(),
    seq: int8('seq').notNull().generatedAlwaysAsIdentity(),
    idempotencyKey: text('idempotency_key').notNull(),
    kind: text().$type<'credit' | 'debit'>().notNull(),
    accountId: uuid('account_id').notNull(),
    amountMinor: int8('amount_minor').notNull(),
    /** The link that brought the order; empty when it came by the API. */
    link: text().notNull(),
    madeAt: time('made_at').notNull(),
  },
  (t) => [
    unique('transfers_once').on(t.idempotencyKey),
    unique('transfers_seq').on(t.seq),
    index('transfers_account').on(t.accountId, t.seq),
    index('transfers_large').on(t.kind, t.amountMinor).where(isLargeTransfer),
    check('transfers_kind', sql`kind in ('credit', 'debit')`),
    check('transfers_amount', sql`amount_minor > 0`),
  ],
);

/** How the payment system misbehaves, for all its processes: one row at most. */
export const behaviour = pgTable(
  'behaviour',
  {
    id: smallint().primaryKey().default(sql`1`),
    failPercent: integer('fail_percent').notNull(),
    delayMs: integer('delay_ms').notNull(),
    timeOutPercent: integer('time_out_percent').notNull(),
  },
  () => [check('behaviour_one', sql`id = 1`)],
);
