/** What the inbox says was settled, per lane and epoch: the consumer's half of a certificate. */
import type { Database } from '../../runtime/postgres.ts';

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

/** Digests of settled messages per lane and epoch; with `epoch` 0, of every epoch that is kept. */
export async function readInboxDigest(
  sql: Database,
  link: string,
  epoch: bigint,
): Promise<InboxDigest[]> {
  const rows = await sql<InboxDigest[]>`
    select lane, epoch, count(*) as count, sum(hash)::text as sum,
      count(*) filter (where outcome = 'applied') as applied,
      count(*) filter (where outcome = 'superseded') as superseded,
      count(*) filter (where outcome = 'dead') as dead,
      count(*) filter (where outcome = 'parked') as parked
    from relink.inbox where link = ${link} and (${epoch} = 0 or epoch = ${epoch})
    group by lane, epoch order by epoch, lane`;
  return [...rows];
}
