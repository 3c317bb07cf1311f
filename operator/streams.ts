/** JetStream for the engine: its manager, and one change at a time per link's stream. */

import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { Streams } from '../migration/plan.ts';
import type { Journal } from '../migration/run/journal.ts';
import { linksOf } from '../migration/run/links.ts';
import type { MovedLink, RunRecord } from '../migration/run/record.ts';
import type { NatsConnection } from '../runtime/nats.ts';

/** Time limit of one request; a later answer is not expected any more. */
const REQUEST_LIMIT_MS = 5_000;

export class LinkStreams implements Streams {
  readonly #nats: NatsConnection;
  readonly #journal: Journal;
  readonly #turns = new Map<string, Promise<unknown>>();
  #manager: Promise<JetStreamManager> | undefined;

  constructor(nats: NatsConnection, journal: Journal) {
    this.#nats = nats;
    this.#journal = journal;
  }

  manager(): Promise<JetStreamManager> {
    // Created when first needed: a server without JetStream must not keep the operator from starting.
    this.#manager ??= jetstreamManager(this.#nats, {
      checkAPI: false,
      timeout: REQUEST_LIMIT_MS,
    }).catch((error) => {
      this.#manager = undefined;
      throw error;
    });
    return this.#manager;
  }

  async alone<T>(link: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(link) ?? Promise.resolve();
    const turn = before.then(work, work);
    const settled = turn.catch(() => undefined);
    this.#turns.set(link, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(link) === settled) this.#turns.delete(link);
    }
  }

  async isNeededByOthers(run: RunRecord): Promise<boolean> {
    const live = await this.#journal.live();
    const others = live.filter(({ id }) => id !== run.id);
    return others.some((other) =>
      linksOf(other).some((one) => one.link === run.link && isBoundForAsync(other, one)),
    );
  }
}

/**
 * A run that leaves the stream needs it only while its consumers listen or a lane uses it, which they
 * report themselves: two runs that leave it together must not each keep it for the other.
 */
function isBoundForAsync({ direction }: RunRecord, { from, to }: MovedLink): boolean {
  return (direction === 'forward' ? to : from).transport === 'async';
}
