/**
 * The receiver's fence: per lane, the oldest epoch that may still have an effect. It stops calls
 * whose client gave up long ago, and relays that lost their lanes without noticing.
 */
import type { Database, Transaction } from '../../runtime/postgres.ts';

/** The namespace of these advisory locks, one for each link, apart from other uses. */
const FENCE_LOCK_NAMESPACE = 7_070_002;

/** Keeps `raiseFence` of the link waiting until this transaction has ended. */
export function holdFence(tx: Transaction, link: string): Promise<unknown> {
  return tx`select pg_advisory_xact_lock_shared(${FENCE_LOCK_NAMESPACE}, hashtext(${link}))`;
}

/** The oldest epoch that is taken, of the lanes that have a fence. */
export async function readFences(
  sql: Database,
  link: string,
): Promise<{ lane: number; minEpoch: bigint }[]> {
  return sql<{ lane: number; minEpoch: bigint }[]>`
    select lane, min_epoch as "minEpoch" from relink.fences where link = ${link} order by lane`;
}

/**
 * Refuses older epochs of the lanes from now on. Waits for the transactions that passed the old
 * fence. A fence only rises.
 */
export async function raiseFence(
  sql: Database,
  link: string,
  lanes: readonly number[],
  minEpoch: bigint,
): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${FENCE_LOCK_NAMESPACE}, hashtext(${link}))`;
    await tx`
      insert into relink.fences (link, lane, min_epoch)
      select ${link}, lane, ${minEpoch} from unnest(${lanes as number[]}::int2[]) lane
      on conflict (link, lane) do update set min_epoch = greatest(fences.min_epoch, excluded.min_epoch)`;
  });
}
