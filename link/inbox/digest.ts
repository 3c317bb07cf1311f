/**
 * What was settled, per lane and epoch: the consumer's half of a certificate. Kept as the inbox
 * changes, by its triggers (docs/decisions/0012), so that reading it costs the same after years.
 */
import type { Database } from '../../runtime/postgres.ts';
import { DIGESTS_READ, type DigestPage, type EpochPage, wholeEpochs } from '../epochPages.ts';

/** The shard of what was added up for good; no transaction writes under it. */
const FOLDED = -1;
const FOLDED_AT_ONCE = 5_000;

export interface InboxDigest {
  readonly lane: number;
  readonly epoch: bigint;
  readonly count: bigint;
  readonly sum: string;
  readonly applied: bigint;
  readonly superseded: bigint;
  readonly dead: bigint;
  readonly parked: bigint;
}

/** A page of digests of settled messages; with `epoch` 0, of every epoch that is kept. */
export async function readInboxDigest(
  sql: Database,
  link: string,
  { epoch, afterEpoch }: EpochPage,
): Promise<DigestPage<InboxDigest>> {
  const rows = await sql<InboxDigest[]>`
    select lane, epoch, sum(count)::int8 as count, sum(sum)::text as sum,
      coalesce(sum(count) filter (where outcome = 'applied'), 0)::int8 as applied,
      coalesce(sum(count) filter (where outcome = 'superseded'), 0)::int8 as superseded,
      coalesce(sum(count) filter (where outcome = 'dead'), 0)::int8 as dead,
      coalesce(sum(count) filter (where outcome = 'parked'), 0)::int8 as parked
    from relink.settled where link = ${link} and (${epoch} = 0 or epoch = ${epoch})
      and (${afterEpoch} = 0 or epoch > ${afterEpoch})
    group by lane, epoch having sum(count) <> 0 or sum(sum) <> 0
    order by epoch, lane limit ${DIGESTS_READ}`;
  return wholeEpochs(rows);
}

/**
 * Adds up what the shards of epochs below the fence hold: nothing is entered there any more. Rows that
 * a transaction holds are left for the next time.
 */
export async function foldSettled(sql: Database): Promise<void> {
  await sql`
    with folded as (
      select s.* from relink.settled s
      where s.shard <> ${FOLDED} and s.epoch < (select min(min_epoch) from relink.fences f
        where f.link = s.link and f.lane = s.lane)
      limit ${FOLDED_AT_ONCE} for update of s skip locked),
    gone as (
      delete from relink.settled s using folded f
      where (s.link, s.lane, s.epoch, s.event_version, s.outcome, s.shard)
        = (f.link, f.lane, f.epoch, f.event_version, f.outcome, f.shard)
      returning s.*)
    insert into relink.settled as s
    select link, lane, epoch, event_version, outcome, ${FOLDED}, sum(count), sum(sum) from gone
    group by link, lane, epoch, event_version, outcome
    on conflict (link, lane, epoch, event_version, outcome, shard)
    do update set count = s.count + excluded.count, sum = s.sum + excluded.sum`;
}
