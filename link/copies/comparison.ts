/** Compares copies with the messages themselves: what arrived, and what functional handlers wrote. */
import type { Database } from '../../runtime/postgres.ts';

export interface ShadowComparison {
  readonly expected: number;
  readonly equal: number;
  readonly missing: number;
  readonly different: number;
  readonly examples: readonly string[];
  /** Functional links: copies whose effect could be compared, and those whose effect differed. */
  readonly ran: number;
  readonly otherEffects: number;
}

/** How many ids of missing or different copies to show; enough to start looking. */
const EXAMPLES = 10;

/** Compares what was applied with the copies that arrived on the second path. */
export async function compareShadow(
  sql: Database,
  link: string,
  wanted: { settleMs: number; sinceUnixMs: number },
): Promise<ShadowComparison> {
  const [row] = await sql<
    {
      expected: number;
      equal: number;
      missing: number;
      different: number;
      examples: string | null;
      ran: number;
      otherEffects: number;
    }[]
  >`
    with compared as (
      select i.event_id, s.event_id is null as is_missing, s.ok and s.hash = i.hash as is_equal,
        case when s.basis = e.basis then s.effect <> e.effect end as is_other
      from relink.inbox i left join relink.shadow_results s using (event_id)
      left join relink.effects e using (event_id)
      where i.link = ${link} and i.copied
        and i.received_at < now() - ${wanted.settleMs} * interval '1 ms'
        and i.received_at >= to_timestamp(${wanted.sinceUnixMs}::float8 / 1000))
    select count(*)::int as expected,
      count(*) filter (where is_equal)::int as equal,
      count(*) filter (where is_missing)::int as missing,
      count(*) filter (where not is_missing and not is_equal)::int as different,
      count(is_other)::int as ran, count(*) filter (where is_other)::int as "otherEffects",
      (select string_agg(event_id::text, ',') from
        (select event_id from compared where is_missing or not is_equal or is_other limit ${EXAMPLES}) found)
        as examples
    from compared`;
  const { examples, ...counts } = row!;
  return { ...counts, examples: examples ? examples.split(',') : [] };
}
