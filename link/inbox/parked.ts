/**
 * Parked messages as a person sees them: what each waits for, and how its key is moved past versions
 * that will not come.
 */
import type { Database, Transaction } from '../../runtime/postgres.ts';
import { lockPositions, savePositions } from './ordered.ts';

export interface ParkedRow {
  readonly id: string;
  readonly link: string;
  readonly key: string;
  readonly version: bigint;
  readonly delivery: {
    readonly event: string;
    readonly eventVersion: number;
    readonly epoch: string;
    readonly source: string;
    readonly text: string;
  };
  readonly parked_at: string;
  /** The last version of its key that was applied or passed over. */
  readonly position: bigint;
  /** Versions before it that are neither applied nor parked; some, if they are many. */
  readonly missing: readonly bigint[];
  /** Dead letters of missing versions. */
  readonly dead_letters: readonly string[];
}

export interface WantedParked {
  readonly link?: string;
  readonly key?: string;
  readonly id?: string;
  readonly limit: number;
  readonly afterId?: string;
}

/** Versions and ids that are named of one message. */
const NAMED = 20;
/** Versions after the position that are looked at. */
const LOOKED_AT = 1_000;

export async function listParked(sql: Database, wanted: WantedParked): Promise<ParkedRow[]> {
  const { link = '', key = '', id = '', afterId = '', limit } = wanted;
  return sql<ParkedRow[]>`
    select p.event_id as id, p.link, p.key, p.version, p.delivery, p.parked_at::text as parked_at,
      coalesce(q.version, 0) as position,
      array(select v from generate_series(coalesce(q.version, 0) + 1,
          least(p.version - 1, coalesce(q.version, 0) + ${LOOKED_AT})) v
        where not exists (select from relink.parked o
          where o.link = p.link and o.key = p.key and o.version = v)
        order by v limit ${NAMED}) as missing,
      array(select d.id::text from relink.dead_letters d
        where d.link = p.link and d.key = p.key and d.state = 'dead' and d.reason <> 'ID_REUSED'
          and d.version > coalesce(q.version, 0) and d.version < p.version
        order by d.version limit ${NAMED}) as dead_letters
    from relink.parked p
    left join relink.positions q on q.link = p.link and q.key = p.key
    where ${link} in ('', p.link) and ${key} in ('', p.key) and ${id} in ('', p.event_id::text)
      and (${afterId} = '' or p.event_id::text > ${afterId})
    order by p.event_id limit ${limit}`;
}

export interface Skip {
  readonly link: string;
  readonly key: string;
  /** Where the caller saw the key; anywhere else nothing is done. */
  readonly position: bigint;
  readonly reason: string;
  readonly actor: string;
}

export type Skipped =
  | { readonly kind: 'skipped'; readonly from: bigint; readonly through: bigint }
  /** The key is elsewhere by now. */
  | { readonly kind: 'moved'; readonly position: bigint }
  /** What is parked next has its turn already, or nothing is parked. */
  | { readonly kind: 'nothing missing' };

/** Moves a key to right before its first parked message, and records who did it and why. */
export async function skipMissing(tx: Transaction, skip: Skip): Promise<Skipped> {
  const { link, key, reason, actor } = skip;
  const position = (await lockPositions(tx, link, [key])).get(key)!;
  if (position !== skip.position) return { kind: 'moved', position };
  const [row] = await tx<{ first: bigint | null }[]>`select min(version) as first
    from relink.parked where link = ${link} and key = ${key} and version > ${position}`;
  const through = (row!.first ?? 0n) - 1n;
  if (through <= position) return { kind: 'nothing missing' };
  await savePositions(tx, link, new Map([[key, through]]));
  const from = position + 1n;
  await tx`insert into relink.skips (link, key, from_version, through_version, reason, actor)
    values (${link}, ${key}, ${from}, ${through}, ${reason}, ${actor})`;
  return { kind: 'skipped', from, through };
}
