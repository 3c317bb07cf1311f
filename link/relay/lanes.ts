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
 */
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
  readonly #sql: Database;
  readonly #instance: string;
  readonly #links: readonly string[];
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
    const shares = await this.#sharesAndHeartbeat();
    const renewed = await this.#renew();
    this.#take(renewed);
    this.#validUntilMs = askedAtMs + LEASE_MS - RENEW_EVERY_MS / 2;
    for (const link of this.#links) await this.#balance(link, shares.get(link)!);
  }

  async #sharesAndHeartbeat(): Promise<Map<string, number>> {
    const declined = this.#declined();
    const rows = await this.#sql<{ link: string; alive: number }[]>`
      with beat as (
        insert into relink.relays (instance, seen_at, declines)
        values (${this.#instance}, clock_timestamp(), ${declined})
        on conflict (instance) do update
          set seen_at = excluded.seen_at, declines = excluded.declines)
      select link, count(instance)::int as alive from unnest(${this.#links as string[]}::text[]) link
      left join relink.relays on seen_at > clock_timestamp() - ${LEASE_MS} * interval '1 ms'
        and instance <> ${this.#instance} and link <> all(declines)
      group by link`;
    const shareOf = ({ link, alive }: { link: string; alive: number }) =>
      declined.includes(link) && alive > 0 ? 0 : Math.ceil(LANES / (alive + 1));
    return new Map(rows.map((row) => [row.link, shareOf(row)]));
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

  /** Claims free lanes, and lanes in our name that this process does not know (a predecessor's). */
  async #claim(link: string, count: number): Promise<void> {
    const known = [...this.owned.get(link)!.keys()];
    const rows = await this.#sql<LaneRow[]>`
      update relink.lanes l set owner = ${this.#instance}, term = l.term + 1,
        expires_at = clock_timestamp() + ${LEASE_MS} * interval '1 ms'
      from (select link, lane from relink.lanes
            where link = ${link} and (expires_at <= clock_timestamp()
              or (owner = ${this.#instance} and lane <> all(${known}::int2[])))
            order by lane limit ${count} for update skip locked) free
      where l.link = free.link and l.lane = free.lane
      returning l.link, l.lane, l.term`;
    for (const row of rows) this.owned.get(link)?.set(row.lane, row.term);
  }

  /** Releases lanes at once, so that another relay need not wait for the lease to expire. */
  async release(link: string, lanes: readonly number[]): Promise<void> {
    for (const lane of lanes) this.owned.get(link)?.delete(lane);
    await this.#sql`
      update relink.lanes set owner = null, expires_at = '-infinity'
      where owner = ${this.#instance} and link = ${link} and lane = any(${lanes as number[]})`;
  }

  /** Releases everything and stops counting as a live relay; for a clean stop. */
  async leave(): Promise<void> {
    this.#validUntilMs = 0;
    for (const [link, lanes] of this.owned) await this.release(link, [...lanes.keys()]);
    await this.#sql`delete from relink.relays where instance = ${this.#instance}`;
  }
}

interface LaneRow {
  link: string;
  lane: number;
  term: bigint;
}
