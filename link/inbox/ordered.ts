/**
 * Order per key on functional links that declare it: a message is applied when its version is the
 * next after the last one applied; a later one is parked until its turn. A new message whose turn
 * has passed is a fact that nobody applied, so it becomes a dead letter. A dead letter does not
 * advance its key, so the messages behind it are parked until a person redrives or discards it.
 */
import type { Database, Transaction } from '../../runtime/postgres.ts';
import type { Arrival, Delivery } from './delivery.ts';

/** What to do with each message of a batch, given the last applied version of its key. */
export interface Turns {
  readonly now: readonly Delivery[];
  readonly later: readonly Delivery[];
  /** Their turn has passed. */
  readonly past: readonly Delivery[];
  /** The last applied version of each key when `now` is applied. */
  readonly positions: ReadonlyMap<string, bigint>;
}

/** A pure decision; messages of one key are taken in the order of their versions. */
export function takeTurns(
  deliveries: readonly Delivery[],
  positions: ReadonlyMap<string, bigint>,
): Turns {
  const reached = new Map(positions);
  const now: Delivery[] = [];
  const later: Delivery[] = [];
  const past: Delivery[] = [];
  const inOrder = [...deliveries].sort((a, b) => Number(a.version - b.version));
  for (const delivery of inOrder) {
    const last = reached.get(delivery.key) ?? 0n;
    if (delivery.version <= last) past.push(delivery);
    else if (delivery.version > last + 1n) later.push(delivery);
    else {
      now.push(delivery);
      reached.set(delivery.key, delivery.version);
    }
  }
  return { now, later, past, positions: reached };
}

/** What is said of a message that came when the key was at this position already. */
export function describePassed({ key, version }: Delivery, position: bigint): string {
  return `key ${key}: it has version ${version}, and the key is at version ${position} already`;
}

/** Locks the keys, in sorted order so that batches do not deadlock, and returns their positions. */
export async function lockPositions(
  tx: Transaction,
  link: string,
  keys: readonly string[],
): Promise<Map<string, bigint>> {
  const sorted = [...new Set(keys)].sort();
  await tx`insert into relink.positions (link, key, version)
    select ${link}, key, 0 from unnest(${sorted}::text[]) key order by key on conflict do nothing`;
  const rows = await tx<{ key: string; version: bigint }[]>`
    select key, version from relink.positions
    where link = ${link} and key = any(${sorted}) order by key for update`;
  return new Map(rows.map((row) => [row.key, row.version]));
}

export async function savePositions(
  tx: Transaction,
  link: string,
  positions: ReadonlyMap<string, bigint>,
): Promise<void> {
  await tx`update relink.positions p set version = n.version
    from unnest(${[...positions.keys()]}::text[], ${[...positions.values()].map(String)}::int8[])
      n(key, version)
    where p.link = ${link} and p.key = n.key and p.version < n.version`;
}

/** Keeps messages until their turn. */
export async function park(
  tx: Transaction,
  link: string,
  deliveries: readonly Delivery[],
): Promise<void> {
  if (deliveries.length === 0) return;
  const arrivals = deliveries.map((delivery) => JSON.stringify(writeArrival(delivery)));
  await tx`
    insert into relink.parked (event_id, link, key, version, delivery)
    select event_id, ${link}, key, version, delivery::jsonb from unnest(
      ${deliveries.map((d) => d.eventId)}::uuid[], ${deliveries.map((d) => d.key)}::text[],
      ${deliveries.map((d) => String(d.version))}::int8[], ${arrivals}::text[]
    ) d(event_id, key, version, delivery)`;
}

/**
 * Takes one parked message whose turn has come, with its key locked: removed in the transaction of
 * its effect. Skips `notKeys`.
 */
export async function takeParked(
  tx: Transaction,
  link: string,
  notKeys: readonly string[],
): Promise<Arrival | undefined> {
  const [row] = await tx<{ event_id: string; delivery: WrittenArrival }[]>`
    select p.event_id, p.delivery from relink.parked p
    join relink.positions q on q.link = p.link and q.key = p.key and p.version <= q.version + 1
    where p.link = ${link} and p.key <> all(${notKeys as string[]}::text[])
    order by p.key, p.version limit 1 for update of p, q skip locked`;
  if (!row) return undefined;
  await removeParked(tx, row.event_id);
  return readArrival(row.delivery);
}

/** Returns false when it is no longer parked. */
export async function removeParked(tx: Transaction, eventId: string): Promise<boolean> {
  const { count } = await tx`delete from relink.parked where event_id = ${eventId}`;
  return count === 1;
}

/** How many messages are parked; on every link when `link` is empty. */
export async function countParked(sql: Database, link: string): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count
    from relink.parked where ${link} = '' or link = ${link}`;
  return row!.count;
}

/** A key whose next message is not there, while later ones are parked. */
export interface Gap {
  readonly key: string;
  readonly missingVersion: bigint;
  /** The first of the parked ones. */
  readonly parkedId: string;
  readonly parkedVersion: bigint;
  readonly parkedSince: Date;
}

/** In the order of keys. A key that waits behind a dead letter has one that a person can act on. */
export function listGaps(
  sql: Database,
  link: string,
  afterKey: string,
  limit: number,
): Promise<Gap[]> {
  return sql<Gap[]>`
    select distinct on (p.key) p.key, coalesce(q.version, 0) + 1 as "missingVersion",
      p.event_id as "parkedId", p.version as "parkedVersion", p.parked_at as "parkedSince"
    from relink.parked p left join relink.positions q on q.link = p.link and q.key = p.key
    where p.link = ${link} and p.key > ${afterKey} and p.version > coalesce(q.version, 0) + 1
      and not exists (select from relink.parked next where next.link = p.link
        and next.key = p.key and next.version = coalesce(q.version, 0) + 1)
      and not exists (select from relink.dead_letters d where d.link = p.link and d.key = p.key
        and d.version = coalesce(q.version, 0) + 1 and d.state = 'dead')
    order by p.key, p.version limit ${limit}`;
}

/**
 * Moves a key past a message that was given up, so that the messages parked behind it get their
 * turn. Returns false when an earlier message of the key is not settled: nothing would move the key
 * past this one afterwards.
 */
export async function passOver(
  tx: Transaction,
  link: string,
  key: string,
  version: bigint,
): Promise<boolean> {
  const position = (await lockPositions(tx, link, [key])).get(key)!;
  if (position < version - 1n) return false;
  if (position < version) await savePositions(tx, link, new Map([[key, version]]));
  return true;
}

type WrittenArrival = Omit<Arrival, 'version' | 'epoch'> & { version: string; epoch: string };

function writeArrival(arrival: Arrival): WrittenArrival {
  const { link, eventId, event, eventVersion, hashedVersion, key, source } = arrival;
  const { version, epoch, isShadow, isCopied, text, traceparent } = arrival;
  return {
    ...{ link, eventId, event, eventVersion, hashedVersion, key, source },
    ...{ isShadow, isCopied, text, traceparent },
    version: String(version),
    epoch: String(epoch),
  };
}

function readArrival(written: WrittenArrival): Arrival {
  return { ...written, version: BigInt(written.version), epoch: BigInt(written.epoch) };
}
