/**
 * A value that a consumer reads from its replica, or asks the owner for (`pull`). A handler reads
 * it in its own transaction; which of the two is used is a row in the database that a migration
 * changes. While both are compared the replica's value is used, and an owner that does not answer
 * delays nobody for long.
 */

import { Latencies } from '../../runtime/latencies.ts';
import type { Database, Transaction } from '../../runtime/postgres.ts';
import { type Comparison, saveComparison } from './comparisons.ts';
import { type Reading, readReading } from './readings.ts';

/** How long a comparison waits for the owner's answer. */
const COMPARE_LIMIT_MS = 500;
/**
 * After this many unanswered comparisons in a row the owner is not asked to compare for a while:
 * handlers must not wait for it.
 */
const UNANSWERED_IN_A_ROW = 3;
const REST_MS = 5_000;

export interface PulledValueOptions<V extends { readonly version: bigint }> {
  readonly link: string;
  /** The replica's value; version 0 when it does not have the key yet. */
  readonly replica: (tx: Transaction, key: string) => Promise<V>;
  /** The owner's value. Must reject within its own deadline rather than guess. */
  readonly owner: (key: string) => Promise<V>;
  /** Whether two values of the same version are equal. */
  readonly isSame: (one: V, other: V) => boolean;
}

export class PulledValue<V extends { readonly version: bigint }> {
  readonly link: string;
  /** How long the owner took to answer. */
  readonly latencies = new Latencies();
  asked = 0;
  unanswered = 0;
  readonly #options: PulledValueOptions<V>;
  #unansweredInARow = 0;
  #restUntilMs = 0;

  constructor(options: PulledValueOptions<V>) {
    this.link = options.link;
    this.#options = options;
  }

  /** Rejects when the owner must be asked and does not answer: the message is tried again later. */
  async read(tx: Transaction, key: string): Promise<V> {
    const reading: Reading = await readReading(tx, this.link, key);
    if (reading === 'owner') return this.#ask(key);
    const value = await this.#options.replica(tx, key);
    if (reading === 'compared')
      await saveComparison(tx, this.link, await this.#compare(key, value));
    return value;
  }

  /** Compares the values of these keys now; the comparisons are not saved. */
  async compare(sql: Database, keys: readonly string[]): Promise<Comparison[]> {
    const compared: Comparison[] = [];
    for (const key of keys) {
      const value = await sql.begin((tx) => this.#options.replica(tx, key));
      compared.push(await this.#compare(key, value as V));
    }
    return compared;
  }

  async #compare(key: string, value: V): Promise<Comparison> {
    const startedMs = performance.now();
    const answer = (outcome: Comparison['outcome']) => ({
      key,
      outcome,
      latencyMs: performance.now() - startedMs,
    });
    const owned = await this.#askInTime(key);
    if (owned === undefined) return answer('unanswered');
    if (owned.version > value.version) return answer('behind');
    const isSame = owned.version === value.version && this.#options.isSame(owned, value);
    return answer(isSame ? 'equal' : 'different');
  }

  async #askInTime(key: string): Promise<V | undefined> {
    if (performance.now() < this.#restUntilMs) return undefined;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, COMPARE_LIMIT_MS, undefined);
    });
    const answer = this.#ask(key).catch(() => undefined);
    const value = await Promise.race([answer, limit]).finally(() => clearTimeout(timer));
    this.#unansweredInARow = value ? 0 : this.#unansweredInARow + 1;
    if (this.#unansweredInARow >= UNANSWERED_IN_A_ROW)
      this.#restUntilMs = performance.now() + REST_MS;
    return value;
  }

  async #ask(key: string): Promise<V> {
    const startedMs = performance.now();
    this.asked += 1;
    try {
      const value = await this.#options.owner(key);
      this.latencies.note(performance.now() - startedMs);
      return value;
    } catch (error) {
      this.unanswered += 1;
      throw error;
    }
  }
}
