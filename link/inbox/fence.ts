/**
 * The receiver's fence: per lane, the oldest epoch that may still have an effect. It stops calls
 * whose client gave up long ago, and relays that lost their lanes without noticing.
 *
 * A transaction that enters messages holds a shared lock before it looks at the fence. Whoever raises
 * the fence commits it and then waits for those that hold the lock at that moment: later ones see the
 * new fence. So nobody waits to deliver because somebody waits to raise. (Builds of before raise it
 * under an exclusive lock instead; for them the lock is one of the whole link.)
 */
import { RpcError } from '../../rpc/errors.ts';
import type { Database, Transaction } from '../../runtime/postgres.ts';
import { pause } from '../../runtime/wake.ts';

/** The namespace of these advisory locks, one for each link, apart from other uses. */
const FENCE_LOCK_NAMESPACE = 7_070_002;
/** How long a statement of such a transaction waits for any lock: others must not wait for it. */
const LOCK_WAIT_MS = 1_000;
const POLL_MS = 5;
/** Longer than a batch takes, and than its handlers may. */
const WAIT_MS = 30_000;

/**
 * Lets `raiseFence` wait until this transaction has ended. From now on its statements wait for locks
 * only for a while.
 */
export function holdFence(tx: Transaction, link: string): Promise<unknown> {
  return tx`select set_config('lock_timeout', ${String(LOCK_WAIT_MS)}, true),
    pg_advisory_xact_lock_shared(${FENCE_LOCK_NAMESPACE}, hashtext(${link}))`;
}

export interface Fence {
  readonly lane: number;
  readonly minEpoch: bigint;
}

/** The oldest epoch that is taken, of the lanes that have a fence. */
export async function readFences(sql: Database | Transaction, link: string): Promise<Fence[]> {
  return sql<Fence[]>`
    select lane, min_epoch as "minEpoch" from relink.fences where link = ${link} order by lane`;
}

/**
 * Refuses older epochs of the lanes from now on. When it returns, the transactions that passed the old
 * fence have ended. A fence only rises.
 */
export async function raiseFence(
  sql: Database,
  link: string,
  lanes: readonly number[],
  minEpoch: bigint,
): Promise<void> {
  await sql`
    insert into relink.fences (link, lane, min_epoch)
    select ${link}, lane, ${minEpoch} from unnest(${lanes as number[]}::int2[]) lane order by lane
    on conflict (link, lane) do update set min_epoch = greatest(fences.min_epoch, excluded.min_epoch)`;
  await waitForHolders(sql, link);
}

async function waitForHolders(sql: Database, link: string): Promise<void> {
  const untilMs = performance.now() + WAIT_MS;
  let holders = await holdersOf(sql, link);
  while (holders.size > 0) {
    if (performance.now() > untilMs) throw stillHeld(link);
    await pause(POLL_MS);
    const now = await holdersOf(sql, link);
    holders = new Set([...holders].filter((one) => now.has(one)));
  }
}

/** Transactions that may have passed an older fence of the link. */
async function holdersOf(sql: Database, link: string): Promise<Set<string>> {
  const rows = await sql<{ holder: string }[]>`
    select virtualtransaction as holder from pg_locks
    where locktype = 'advisory' and granted and mode = 'ShareLock' and objsubid = 2
      and database = (select oid from pg_database where datname = current_database())
      and classid::int8 = ${BigInt(FENCE_LOCK_NAMESPACE)}
      and objid::int8 = hashtext(${link})::int8 & 4294967295`;
  return new Set(rows.map(({ holder }) => holder));
}

function stillHeld(link: string): RpcError {
  return new RpcError(
    'UNAVAILABLE',
    'UNAVAILABLE',
    `a transaction that applies messages of ${link} has not ended for ${WAIT_MS / 1_000} s; see pg_stat_activity`,
  );
}
