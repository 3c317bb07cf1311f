/** The results of copies, kept to be compared with what the messages themselves did. */
import type { Database } from '../../runtime/postgres.ts';
import type { Effect } from './effects.ts';

/** What a copy on the second path would have done. */
export interface ShadowResult {
  readonly eventId: string;
  readonly hash: bigint;
  readonly ok: boolean;
  readonly detail: string;
  /**
   * What its handler wrote to the outbox; null when it did not run or there is nothing to compare.
   */
  readonly effect: Effect | null;
}

export async function saveShadowResults(
  sql: Database,
  link: string,
  results: readonly ShadowResult[],
): Promise<void> {
  const sorted = [...results].sort((a, b) => (a.eventId < b.eventId ? -1 : 1));
  await sql`
    insert into relink.shadow_results (event_id, link, hash, ok, detail, effect, basis)
    select event_id, ${link}, hash, ok, detail, effect, basis from unnest(
      ${sorted.map((r) => r.eventId)}::uuid[], ${sorted.map((r) => String(r.hash))}::int8[],
      ${sorted.map((r) => String(r.ok))}::text[]::bool[], ${sorted.map((r) => r.detail)}::text[],
      ${sorted.map(({ effect }) => effect && String(effect.effect))}::text[]::int8[],
      ${sorted.map(({ effect }) => effect && String(effect.basis))}::text[]::int8[]
    ) r(event_id, hash, ok, detail, effect, basis)
    on conflict (event_id) do update set ok = excluded.ok, detail = excluded.detail,
      effect = coalesce(excluded.effect, shadow_results.effect),
      basis = coalesce(excluded.basis, shadow_results.basis)`;
}

/** How many of these messages have a copy that arrived. */
export async function countShadowResults(
  sql: Database,
  eventIds: readonly string[],
): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count
    from relink.shadow_results where event_id = any(${eventIds as string[]}::uuid[])`;
  return row!.count;
}

/** The results of copies by event id: `''` when all is well, otherwise the problem. */
export async function readCopies(
  sql: Database,
  eventIds: readonly string[],
): Promise<Map<string, string>> {
  const rows = await sql<{ event_id: string; ok: boolean; detail: string }[]>`
    select event_id, ok, detail from relink.shadow_results
    where event_id = any(${eventIds as string[]}::uuid[])`;
  return new Map(rows.map((row) => [row.event_id, row.ok ? '' : row.detail || 'failed']));
}
