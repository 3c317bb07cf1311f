/** Transfers in PostgreSQL: append-only, an order counts once. */
import type { Database, Transaction } from 'relink';
import type { Page } from '../../paging.ts';
import type { Transfer } from '../domain/transfer.ts';

/** Carries out an order; answers false when its idempotency key was used before. */
export async function insertTransfer(
  tx: Transaction | Database,
  transfer: Transfer,
): Promise<boolean> {
  const rows = await tx`
    insert into transfers (id, idempotency_key, kind, account_id, amount_minor, link, made_at)
    values (${transfer.id}, ${transfer.idempotencyKey}, ${transfer.kind}, ${transfer.accountId},
      ${transfer.amountMinor}, ${transfer.link}, ${transfer.madeAt.toISOString()})
    on conflict (idempotency_key) do nothing returning id`;
  return rows.length === 1;
}

/** What an order with this idempotency key did. */
export async function findTransfer(
  tx: Transaction | Database,
  idempotencyKey: string,
): Promise<Transfer | undefined> {
  const [row] = await tx<TransferRow[]>`
    select id, seq, idempotency_key, kind, account_id, amount_minor, link, made_at::text as made_at
    from transfers where idempotency_key = ${idempotencyKey}`;
  return row && transferOf(row);
}

/** Which transfers are asked for; absent: all. */
export interface Wanted {
  readonly accountId?: string | undefined;
  readonly link?: string | undefined;
}

/** Transfers in the order they were made in. */
export async function listTransfers(
  sql: Database,
  { accountId = null, link = null }: Nullable<Wanted>,
  { after, limit }: Page<bigint>,
): Promise<(Transfer & { seq: bigint })[]> {
  const rows = await sql<TransferRow[]>`
    select id, seq, idempotency_key, kind, account_id, amount_minor, link, made_at::text as made_at
    from transfers
    where seq > ${after} and (${accountId}::uuid is null or account_id = ${accountId}::uuid)
      and (${link}::text is null or link = ${link}::text)
    order by seq limit ${limit}`;
  return rows.map((row) => ({ ...transferOf(row), seq: row.seq }));
}

export interface Totals {
  readonly transferCount: bigint;
  readonly creditedMinor: bigint;
  readonly debitedMinor: bigint;
}

/** What the transfers that are asked for sum to. */
export async function sumTransfers(
  sql: Database,
  { accountId = null, link = null }: Nullable<Wanted>,
): Promise<Totals> {
  const [row] = await sql<{ count: bigint; credited: bigint; debited: bigint }[]>`
    select count(*) as count,
      coalesce(sum(amount_minor) filter (where kind = 'credit'), 0)::int8 as credited,
      coalesce(sum(amount_minor) filter (where kind = 'debit'), 0)::int8 as debited
    from transfers
    where (${accountId}::uuid is null or account_id = ${accountId}::uuid)
      and (${link}::text is null or link = ${link}::text)`;
  const { count, credited, debited } = row!;
  return { transferCount: count, creditedMinor: credited, debitedMinor: debited };
}

type Nullable<T> = { [K in keyof T]: T[K] | null };

interface TransferRow {
  id: string;
  seq: bigint;
  idempotency_key: string;
  kind: 'credit' | 'debit';
  account_id: string;
  amount_minor: bigint;
  link: string;
  made_at: string;
}

function transferOf(row: TransferRow): Transfer {
  return {
    id: row.id,
    idempotencyKey: row.idempotency_key,
    kind: row.kind,
    accountId: row.account_id,
    amountMinor: row.amount_minor,
    link: row.link,
    madeAt: new Date(row.made_at),
  };
}
