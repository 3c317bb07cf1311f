/**
 * Runs copies of messages: the handler does its work in a transaction that is rolled back, and what
 * came of it is kept to be compared with what the real message did.
 */
import type { Database } from '../../runtime/postgres.ts';
import { payloadHash } from '../contracts/payloadHash.ts';
import type { LinkDefinition } from '../link.ts';
import { type Arrival, type Delivery, isUuid } from './delivery.ts';
import { type Handler, withinLimit } from './handler.ts';
import { saveShadowResults } from './rows.ts';

/** Thrown inside the transaction so that it rolls back. */
class ShadowDone extends Error {}

export class ShadowRunner {
  readonly #sql: Database;
  readonly #link: LinkDefinition;
  readonly #handler: Handler;
  readonly #limitMs: number;

  constructor(
    { sql, link, handler }: { sql: Database; link: LinkDefinition; handler: Handler },
    limitMs: number,
  ) {
    this.#sql = sql;
    this.#link = link;
    this.#handler = handler;
    this.#limitMs = limitMs;
  }

  /** Rejects only when the results cannot be kept. */
  async run(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    const results = [];
    for (const delivery of deliveries) {
      const detail = await this.#problemOf(delivery);
      const { eventId, hash } = delivery;
      results.push({ eventId, hash, ok: detail === '', detail });
    }
    await saveShadowResults(this.#sql, this.#link.id, results);
  }

  /** A copy that does not fit its contract would have become a dead letter. */
  async refused(arrival: Arrival, detail: string): Promise<void> {
    const { eventId, text } = arrival;
    if (!isUuid(eventId)) return;
    const hash = payloadHash(eventId, text);
    await saveShadowResults(this.#sql, this.#link.id, [{ eventId, hash, ok: false, detail }]);
  }

  /** Why the handler would have failed, or ''. */
  async #problemOf(delivery: Delivery): Promise<string> {
    const handler = this.#handler;
    try {
      await this.#sql.begin(async (tx) => {
        const work: Promise<unknown> =
          handler.kind === 'formal' ? handler.apply(tx, [delivery]) : handler.apply(tx, delivery);
        await withinLimit(this.#limitMs, work);
        throw new ShadowDone();
      });
      return '';
    } catch (error) {
      return error instanceof ShadowDone ? '' : (error as Error).message;
    }
  }
}
