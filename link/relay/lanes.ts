/**
 * Leases on lanes. One relay owns a lane at a time, by a lease with a fencing term that grows with
 * every change of owner; every write of a relay names the term it acts under, so a paused owner
 * that comes back cannot close or re-open anything.
 *
 * Lanes are shared evenly between the live relays of a service: each claims free or expired lanes
 * up to its share and releases any surplus. A relay that met a message it cannot read (an older
 * build beside newer ones) declines the link while another relay does not. All times are the
 * database's.
 *
 * A term belongs to one process, not to a name: a process restarted under its old name takes its
 * lanes again under new terms, so that a frozen predecessor is fenced like any other.
 *
 * Beside its leases each process holds an advisory lock of PostgreSQL, under a number of its own, for
 * as long as its connection lasts. When a process dies its connection ends at once, and with it the
 * lock: the others see that and take its lanes without waiting for the leases. Those are for processes
 * that are frozen, and for connections that only seem to last. When the connection alone ends, the
 * process may lose its lanes though it lives; it locks again at its next refresh, and gets its share.
 * Of two live processes with one name the first keeps it, and the other stands by.
 */
import { randomBytes } from 'node:crypto';
import type { Database } from '../../runtime/postgres.ts';
import { LANES } from '../link.ts';

/** How long a lease lasts without renewal: the longest pause of a lane after its owner crashes. */
export const LEASE_MS = 4_000;
/** Renewed four times in its life, so that one slow statement loses nothing. */
export const RENEW_EVERY_MS = LEASE_MS / 4;
/** After this time a relay that declined a link looks again whether it can read its messages. */
const DECLINE_MS = 60_000;

/** The lanes of one link that this relay owns, with the fencing term of each. */
export type OwnedLanes = Map<number, bigint>;

export class LaneLeases {
  /** Best a pool of one connection that lasts: the lock is lost with the session that took it. */
  readonly #sql: Database;
  readonly #instance: string;
  readonly #links: readonly string[];
  /** The lock of this process. */
  readonly #process = randomBytes(8).readBigInt64BE();
  #hasName = true;
  /** Whether other processes of the service were alive at the last refresh. */
  #hasOthers = false;
  /** Monotonic time until which this process certainly holds its leases. */
  #validUntilMs = 0;
  readonly owned = new Map<string, OwnedLanes>();
  /** Links with messages that this process cannot read, and until when it declines them. */
  readonly #declinedUntilMs = new Map<string, number>();

  constructor(sql: Database, instance: string, links: readonly string[]) {
    this.#sql = sql;
    this.#instance = instance;
    this.#links = links;
    for (const link of links) this.owned.set(link, new Map());
  }

  /** Creates the lane rows of links that are new in this database. Safe to repeat. */
  async prepare(): Promise<void> {
    await this.#sql`
      insert into relink.lanes (link, lane)
      select link, lane from unnest(${this.#links as string[]}::text[]) link,
        generate_series(0, ${LANES - 1}) lane
      on conflict do nothing`;
  }

  /**
   * Whether the leases certainly still hold, known without asking. In a process that was frozen
   * they may not: it renews them before it dispatches again.
   */
  isLeaseValid(): boolean {
    return performance.now() < this.#validUntilMs;
  }

  /** False while another live process has the same name: it has the lanes, and this one has none. */
  get hasName(): boolean {
    return this.#hasName;
  }

  /** A message of the link cannot be read here: its lanes go to a relay that can, if one lives. */
  decline(link: string): void {
    this.#declinedUntilMs.set(link, performance.now() + DECLINE_MS);
  }

  #declined(): string[] {
    const nowMs = performance.now();
    return [...this.#declinedUntilMs].flatMap(([link, untilMs]) => (untilMs > nowMs ? link : []));
  }

  /** Renews the lanes it holds, releases those above its share, claims free ones up to it. */
  async refresh(): Promise<void> {
    const askedAtMs = performance.now();
    await this.#lock();
    this.#hasName = await this.#heartbeat();
    const renewed = this.#hasName ? await this.#renew() : [];
    this.#take(renewed);
    this.#validUntilMs = askedAtMs + LEASE_MS - RENEW_EVERY_MS / 2;
    if (!this.#hasName) return;
    const shares = await this.#shares();
    for (const link of this.#links) await this.#balance(link, shares.get(link)!);
  }

  /** Once in each session: it ends with it. */
  async #lock(): Promise<void> {
    await this.#sql`select pg_advisory_lock_shared(${this.#process}) where not exists (
      select from pg_locks where pid = pg_backend_pid() and locktype = 'advisory'
        and (classid::int8 << 32) | objid::int8 = ${this.#process})`;
  }

  /** Returns false when another live process has this name. */
  async #heartbeat(): Promise<boolean> {
    const beats = await this.#sql`
      insert into relink.relays (instance, seen_at, declines, process, process_seen_at)
      select ${this.#instance}, now(), ${this.#declined()}, ${this.#process}, now()
      on conflict (instance) do update set seen_at = excluded.seen_at,
        declines = excluded.declines, process = excluded.process,
        process_seen_at = excluded.process_seen_at
      where relays.process = excluded.process or not ${this.#isAlive()} returning 1`;
    return beats.length > 0;
  }

  /** Whether a row of `relays` is of a live process: seen of late, and its lock is not free. */
  #isAlive() {
    return this.#sql`(relays.seen_at between clock_timestamp() - ${LEASE_MS} * interval '1 ms'
        and clock_timestamp() + ${LEASE_MS} * interval '1 ms'
      and not coalesce(relays.process_seen_at = relays.seen_at
        and pg_try_advisory_xact_lock(relays.process), false))`;
  }

  async #shares(): Promise<Map<string, number>> {
    const declined = this.#declined();
    const rows = await this.#sql<{ link: string; alive: number }[]>`
      select link, count(instance)::int as alive from unnest(${this.#links as string[]}::text[]) link
      left join relink.relays on instance <> ${this.#instance} and link <> all(declines)
        and ${this.#isAlive()}
      group by link`;
    this.#hasOthers = rows.some(({ alive }) => alive > 0);
    const shareOf = ({ link, alive }: { link: string; alive: number }) =>
      declined.includes(link) && alive > 0 ? 0 : Math.ceil(LANES / (alive + 1));
    return new Map(rows.map((row) => [row.link, shareOf(row)]));
  }

  /** Whether another process died and left lanes; costs little, and may be asked often. */
  async hasOrphans(): Promise<boolean> {
    if (!this.#hasOthers) return false;
    const left = await this.#sql`
      select 1 from (select distinct owner from relink.lanes
        where link = any(${this.#links as string[]}) and owner <> ${this.#instance}
        and expires_at > clock_timestamp()) l
      where not exists (select from relink.relays where instance = l.owner and ${this.#isAlive()})
      limit 1`;
    return left.length > 0;
  }

  async #renew(): Promise<LaneRow[]> {
    const held = [...this.owned].flatMap(([link, lanes]) =>
      [...lanes].map(([lane, term]) => ({ link, lane, term })),
    );
    return this.#sql<LaneRow[]>`
      with held as (select l.link, l.lane from relink.lanes l
        join unnest(${held.map((one) => one.link)}::text[], ${held.map((one) => one.lane)}::int2[],
          ${held.map((one) => String(one.term))}::int8[]) h(link, lane, term)
          using (link, lane, term)
        where l.owner = ${this.#instance} and l.expires_at > clock_timestamp()
        order by l.link, l.lane for no key update of l)
      update relink.lanes l set expires_at = clock_timestamp() + ${LEASE_MS} * interval '1 ms'
      from held where l.link = held.link and l.lane = held.lane
      returning l.link, l.lane, l.term`;
  }

  #take(rows: readonly LaneRow[]): void {
    for (const lanes of this.owned.values()) lanes.clear();
    for (const row of rows) this.owned.get(row.link)?.set(row.lane, row.term);
  }

  async #balance(link: string, share: number): Promise<void> {
    const held = this.owned.get(link)!;
    const surplus = [...held.keys()].slice(share);
    if (surplus.length > 0) await this.release(link, surplus);
    else if (held.size < share) await this.#claim(link, share - held.size);
  }

  /**
   * Claims lanes that are free or whose owner died, and lanes in our name that this process does not
   * know: a predecessor's. A lease that ends later than any could has ended: the clock went back.
   */
  async #claim(link: string, count: number): Promise<void> {
    const known = [...this.owned.get(link)!.keys()];
    const rows = await this.#sql<LaneRow[]>`
      update relink.lanes l set owner = ${this.#instance}, term = l.term + 1,
        expires_at = clock_timestamp() + ${LEASE_MS} * interval '1 ms'
      from (select link, lane from relink.lanes
            where link = ${link} and (expires_at <= clock_timestamp()
              or expires_at > clock_timestamp() + ${2 * LEASE_MS} * interval '1 ms'
              or (owner = ${this.#instance} and lane <> all(${known}::int2[]))
              or (owner <> ${this.#instance} and not exists (select from relink.relays
                where instance = lanes.owner and ${this.#isAlive()})))
            order by lane limit ${count} for update skip locked) free
      where l.link = free.link and l.lane = free.lane
      returning l.link, l.lane, l.term`;
    for (const row of rows) this.owned.get(link)?.set(row.lane, row.term);
  }

  /** Releases lanes at once, so that another relay need not wait for the lease to expire. */
  async release(link: string, lanes: readonly number[]): Promise<void> {
    const owned = this.owned.get(link)!;
    const terms = lanes.map((lane) => String(owned.get(lane)));
    for (const lane of lanes) owned.delete(lane);
    await this.#sql`
      update relink.lanes l set owner = null, expires_at = '-infinity'
      from unnest(${lanes as number[]}::int2[], ${terms}::int8[]) held(lane, term)
      where l.owner = ${this.#instance} and l.link = ${link}
        and l.lane = held.lane and l.term = held.term`;
  }

  /** Releases everything and stops counting as a live relay; for a clean stop. */
  async leave(): Promise<void> {
    this.#validUntilMs = 0;
    for (const [link, lanes] of this.owned) await this.release(link, [...lanes.keys()]);
    await this.#sql`delete from relink.relays
      where instance = ${this.#instance} and process = ${this.#process}`;
  }
}

interface LaneRow {
  link: string;
  lane: number;
  term: bigint;
}
