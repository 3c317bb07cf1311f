/** What the inbox says was settled, per lane and epoch: the consumer's half of a certificate. */
import type { Database } from '../../runtime/postgres.ts';
import { DIGESTS_READ, type DigestPage, type EpochPage, wholeEpochs } from '../epochPages.ts';

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
    select lane, epoch, count(*) as count, sum(hash)::text as sum,
      count(*) filter (where outcome = 'applied') as applied,
      count(*) filter (where outcome = 'superseded') as superseded,
      count(*) filter (where outcome = 'dead') as dead,
      count(*) filter (where outcome = 'parked') as parked
    from relink.inbox where link = ${link} and (${epoch} = 0 or epoch = ${epoch})
      and (${afterEpoch} = 0 or epoch > ${afterEpoch})
    group by lane, epoch order by epoch, lane limit ${DIGESTS_READ}`;
  return wholeEpochs(rows);
}
