/**
 * What the producer's own tables say a link must have carried, key by key: each message is written in
 * the transaction of the change that it tells, so the rows alone say which messages there were.
 */
import type { Database } from '../../runtime/postgres.ts';

/** The versions of one key that were messages of the link: `first` to `last`. */
export type Flow = { readonly first: bigint; readonly last: bigint };

/** For each link a query of `key`, `first` and `last` over its producer's tables. */
const FLOWS: Readonly<Record<string, string>> = {
  'COMM-010': 'select id as key, 1 as first, version as last from managers',
  // A creation is version 1; every later version is an update, which another link carries.
  'COMM-020': 'select id as key, 1 as first, 1 as last from assessments',
  'COMM-021': 'select id as key, 2 as first, version as last from assessments where version > 1',
  'COMM-030': 'select id as key, 1 as first, version as last from candidates',
  'COMM-040': `select id as key, 1 as first, case state when 'revoked' then 2 else 1 end as last
    from solutions where state <> 'rejected'`,
  'COMM-050': `select exercise_id as key, 1 as first, 1 as last
    from exercise_completions where completed >= 11`,
  'COMM-060': `select assessment_id as key, 1 as first, version as last
    from assessment_ratings where version > 0`,
  'COMM-070': 'select id as key, 1 as first, 1 as last from assignments',
  // Nothing is ordered for nothing: a bonus of zero is not paid out.
  'COMM-080': `select solution_id as key, 1 as first,
      max(case kind when 'debit' then 2 else 1 end) as last
    from bookings where amount_minor > 0 group by solution_id`,
};

/** Links that the oracle knows; a link that is not here is compared by sums only. */
export const KNOWN_FLOWS: ReadonlySet<string> = new Set(Object.keys(FLOWS));

/** By key; nothing for a link that is not known. `owner` is the producer's database. */
export async function readFlows(owner: Database, link: string): Promise<Map<string, Flow>> {
  const query = FLOWS[link];
  if (query === undefined) return new Map();
  const rows = await owner.unsafe<(Flow & { key: string })[]>(
    `select key::text as key, first::int8 as first, last::int8 as last from (${query}) flows`,
  );
  return new Map(rows.map(({ key, first, last }) => [key, { first, last }]));
}
