/** Reads the kit's tables in the services' databases: all that the oracle knows about a link. */
import type { Database } from '../../runtime/postgres.ts';

export interface LaneSum {
  readonly count: bigint;
  readonly sum: string;
}

/** By `lane/epoch`: count and hash sum of the messages that receipts closed for one consumer. */
export async function readClosed(sql: Database, leg: string): Promise<Map<string, LaneSum>> {
  const rows = await sql<(LaneSum & { place: string })[]>`
    select lane || '/' || epoch as place, count, sum::text as sum
    from relink.closed where leg = ${leg}`;
  return new Map(rows.map(({ place, ...side }) => [place, side]));
}

/** By `lane/epoch`: count and hash sum of the messages that the consumer settled. */
export async function readSettled(sql: Database, link: string): Promise<Map<string, LaneSum>> {
  const rows = await sql<(LaneSum & { place: string })[]>`
    select lane || '/' || epoch as place, count(*) as count, sum(hash)::text as sum
    from relink.inbox where link = ${link} group by lane, epoch`;
  return new Map(rows.map(({ place, ...side }) => [place, side]));
}

/** By key: the versions that the consumer applied or found superseded. */
export async function readArrived(sql: Database, link: string): Promise<Map<string, Set<bigint>>> {
  const rows = await sql<{ key: string; versions: string }[]>`
    select key, string_agg(distinct version::text, ',') as versions
    from relink.inbox where link = ${link} and outcome in ('applied', 'superseded')
    group by key`;
  return new Map(rows.map(({ key, versions }) => [key, new Set(versions.split(',').map(BigInt))]));
}

/**
 * When a message was written: the milliseconds in its UUIDv7. Works on every PostgreSQL version.
 */
const WRITTEN_MS = `('x' || substr(replace(event_id::text, '-', ''), 1, 12))::bit(48)::int8`;

/**
 * When a message's effect was committed. Only a server with `track_commit_timestamp` knows it; else
 * the start of the transaction stands in, which is what the inbox row holds.
 */
const COMMITTED_AT = 'coalesce(pg_xact_commit_timestamp(xmin), received_at)';

export async function keepsCommitTimes(sql: Database): Promise<boolean> {
  const [row] = await sql<{ on: boolean }[]>`
    select current_setting('track_commit_timestamp')::bool as "on"`;
  return row?.on ?? false;
}

export interface EffectRow {
  readonly key: string;
  readonly version: bigint;
  /** The newest version applied before this one. */
  readonly newestBefore: bigint;
  readonly writtenMs: number;
  /** How often this version of the key was applied in the same epoch. */
  readonly inEpoch: number;
}

/**
 * Effects applied after the same version or a newer one of the key. Links of one entity share its
 * versions, so they are queried together; each row names its own link.
 */
export async function listLateEffects(
  sql: Database,
  links: readonly string[],
): Promise<(EffectRow & { link: string })[]> {
  const at = (await keepsCommitTimes(sql)) ? COMMITTED_AT : 'received_at';
  return sql.unsafe<(EffectRow & { link: string })[]>(
    `select * from (
      select link, key, version, ${WRITTEN_MS}::float8 as "writtenMs",
        (count(*) over (partition by link, key, version, epoch))::int as "inEpoch",
        max(version) over (partition by key order by ${at}, received_at, version, event_id
          rows between unbounded preceding and 1 preceding) as "newestBefore"
      from relink.inbox where link = any($1::text[]) and outcome = 'applied') effects
    where "newestBefore" >= version`,
    [links as string[]],
  );
}

export interface DelaySummary {
  messages: number;
  p99Ms: number;
  maxMs: number;
}

/** Time from writing a message to its effect, of messages written within the span. */
export async function readDelays(
  sql: Database,
  link: string,
  span: { fromMs: number; toMs: number },
): Promise<DelaySummary> {
  const at = (await keepsCommitTimes(sql)) ? COMMITTED_AT : 'received_at';
  const [row] = await sql.unsafe<DelaySummary[]>(
    `select count(*)::int as messages, coalesce(max(delay), 0)::float8 as "maxMs",
      coalesce(percentile_cont(0.99) within group (order by delay), 0)::float8 as "p99Ms"
    from (select extract(epoch from ${at}) * 1000 - ${WRITTEN_MS} as delay
      from relink.inbox where link = $1 and ${WRITTEN_MS} between $2::int8 and $3::int8) delays`,
    [link, Math.round(span.fromMs), Math.round(span.toMs)],
  );
  return row ?? { messages: 0, p99Ms: 0, maxMs: 0 };
}

/** By leg: open messages in the outbox of a service. */
export async function countOpen(sql: Database): Promise<Map<string, number>> {
  const rows = await sql<{ leg: string; open: number }[]>`
    select leg, count(*)::int as open from relink.outbox group by leg order by leg`;
  return new Map(rows.map(({ leg, open }) => [leg, open]));
}

export interface Leftover {
  readonly link: string;
  readonly key: string;
  readonly version: bigint;
  readonly why: string;
}

/** Messages of all links at a consumer that are dead letters or parked. */
export async function listGivenUp(sql: Database): Promise<Leftover[]> {
  return sql<Leftover[]>`
    select link, key, version, 'dead letter: ' || reason as why
    from relink.dead_letters where state = 'dead'
    union all select link, key, version, 'parked' from relink.parked`;
}

/** The oldest open messages of a leg, to name them. */
export async function listOpen(sql: Database, leg: string, limit: number): Promise<Leftover[]> {
  return sql<Leftover[]>`
    select split_part(leg, '/', 1) as link, key, version, 'open' as why from relink.outbox
    where leg = ${leg} order by seq limit ${limit}`;
}

/** How many lanes of a leg are on `pull` now. */
export async function countPulled(sql: Database, leg: string): Promise<number> {
  const [row] = await sql<{ lanes: number }[]>`
    select count(*)::int as lanes from relink.routes
    where leg = ${leg} and adopted_transport = 'pull'`;
  return row?.lanes ?? 0;
}

/** The newest contract version that a lane of the leg carries. */
export async function carriedVersionOf(sql: Database, leg: string): Promise<number> {
  const [row] = await sql<{ version: number }[]>`
    select coalesce(max(adopted_version), 0)::int as version from relink.routes where leg = ${leg}`;
  return row!.version;
}
