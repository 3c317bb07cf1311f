/**
 * The lease that lets one engine act. Its term grows with every new owner; what an engine records is
 * conditional on its term, and it calls no participant unless its lease is certainly valid.
 */
import type { Log } from '../../runtime/log.ts';
import type { Database } from '../../runtime/postgres.ts';
import { MigrationError } from '../errors.ts';

export const ENGINE_LEASE = 'engine';
/** How long a dead engine keeps the others waiting. */
const LEASE_MS = 5_000;
/**
 * In the last part of a lease no call to a participant begins any more: whoever takes the lease over
 * must find its predecessor silent.
 */
const MARGIN = 0.2;

export interface HeldLease {
  readonly name: string;
  readonly owner: string;
  readonly term: bigint;
}

export interface LeaseOptions {
  readonly sql: Database;
  readonly owner: string;
  readonly log: Log;
  readonly durationMs?: number;
}

export class Lease {
  readonly #options: LeaseOptions;
  readonly durationMs: number;
  #held: HeldLease | undefined;
  #validUntilMs = 0;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.durationMs = options.durationMs ?? LEASE_MS;
  }

  get held(): HeldLease | undefined {
    return this.#held;
  }

  /** Takes the lease when it is free, or renews it. Returns whether it is held. */
  async refresh(): Promise<boolean> {
    const { sql, owner } = this.#options;
    const askedMs = performance.now();
    const [row] = await sql<{ term: bigint }[]>`
      insert into migration.leases as l (name, owner, term, expires_at)
      values (${ENGINE_LEASE}, ${owner}, 1,
        clock_timestamp() + ${this.durationMs} * interval '1 ms')
      on conflict (name) do update set owner = excluded.owner, expires_at = excluded.expires_at,
        term = case when l.owner = excluded.owner and l.expires_at > clock_timestamp()
          then l.term else l.term + 1 end
      where l.owner = excluded.owner or l.owner is null or l.expires_at <= clock_timestamp()
      returning term`;
    if (!row) {
      if (this.#held) this.#options.log.warn('another engine holds the lease now');
      this.#held = undefined;
      return false;
    }
    if (this.#held?.term !== row.term) {
      this.#options.log.info({ term: Number(row.term) }, 'this engine is active now');
      this.#held = { name: ENGINE_LEASE, owner, term: row.term };
    }
    this.#validUntilMs = askedMs + this.durationMs * (1 - MARGIN);
    return true;
  }

  /** @throws MigrationError LEASE_LOST unless the lease is certainly still valid */
  requireValid(): HeldLease {
    if (!this.#held || performance.now() > this.#validUntilMs)
      throw new MigrationError(
        'LEASE_LOST',
        'this engine can no longer be sure that it holds the lease',
      );
    return this.#held;
  }

  /** Lets another engine act at once. */
  async release(): Promise<void> {
    const { sql, owner } = this.#options;
    const held = this.#held;
    this.#held = undefined;
    if (!held) return;
    await sql`update migration.leases set owner = null, expires_at = '-infinity'
      where name = ${held.name} and owner = ${owner} and term = ${held.term}`;
  }
}
