/**
 * What an epoch carried and was not applied, by name: a certificate lists it. Dead letters that were
 * discarded; and on functional links messages that builds of before superseded.
 */
import type { Database } from '../../runtime/postgres.ts';

export interface Exception {
  readonly eventId: string;
  readonly outcome: 'dead' | 'superseded';
  readonly lane: number;
}

export interface WantedExceptions {
  readonly link: string;
  readonly epoch: bigint;
  /** `superseded` reads the whole inbox: only for those who know that there are some. */
  readonly outcomes: readonly string[];
  readonly limit: number;
}

export async function readExceptions(
  sql: Database,
  { link, epoch, outcomes, limit }: WantedExceptions,
): Promise<Exception[]> {
  return sql<Exception[]>`
    select event_id as "eventId", lane, 'dead' as outcome from relink.dead_letters
    where ${outcomes.includes('dead')} and link = ${link} and epoch = ${epoch}
      and state <> 'redriven' and reason not in ('ID_REUSED', 'PAST_HORIZON')
      and event_id is not null
    union all
    select event_id, lane, outcome from relink.inbox
    where ${outcomes.includes('superseded')} and link = ${link} and epoch = ${epoch}
      and outcome = 'superseded'
    limit ${limit}`;
}
