/**
 * The messages that a link must have carried, key by key, derived from the producer's own tables:
 * each message is written in the transaction of its change, so the rows alone determine the
 * messages.
 */
import type { Database } from '../../runtime/postgres.ts';

/** The versions of one key that the link carried: `first` to `last`. */
export interface VersionRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** For each link, a query of `key`, `first` and `last` over its producer's tables. */
const EXPECTED: Readonly<Record<string, string>> = {
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
  // A bonus of zero is not paid out.
  'COMM-080': `select solution_id as key, 1 as first,
      max(case kind when 'debit' then 2 else 1 end) as last
    from bookings where amount_minor > 0 group by solution_id`,
};

/** Links whose messages can be derived. The oracle refuses any other. */
export const KNOWN_LINKS: ReadonlySet<string> = new Set(Object.keys(EXPECTED));

/** By key; empty for an unknown link. `owner` is the producer's database. */
export async function readExpectedMessages(
  owner: Database,
  link: string,
): Promise<Map<string, VersionRange>> {
  const query = EXPECTED[link];
  if (query === undefined) return new Map();
  const rows = await owner.unsafe<(VersionRange & { key: string })[]>(
    `select key::text as key, first::int8 as first, last::int8 as last from (${query}) flows`,
  );
  return new Map(rows.map(({ key, first, last }) => [key, { first, last }]));
}
