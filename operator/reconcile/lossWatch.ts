/**
 * Looks every minute whether both sides of each leg still know what they told each other: a database
 * that went back in time tells nobody. It costs a few digests a leg.
 */
import { type Balance, readBalance } from '../../migration/leg/balance.ts';
import type { Participants } from '../../migration/participants.ts';
import { RpcCallError } from '../../rpc/client.ts';
import type { Agent } from '../../runtime/lifecycle.ts';
import type { Log } from '../../runtime/log.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import { type Repeater, repeat } from '../../runtime/wake.ts';

const EVERY_MS = 60_000;

export class LossWatch implements Agent {
  readonly name = 'loss watch';
  readonly #participants: Participants;
  readonly #log: Log;
  readonly #missing;
  readonly #unknown;
  /** By leg: `COMM-040/bonuses`. */
  readonly #found = new Map<string, Balance>();
  #repeater: Repeater | undefined;

  constructor(participants: Participants, log: Log, metrics: Metrics) {
    this.#participants = participants;
    this.#log = log;
    this.#missing = metrics.gauge(
      'relink_reconcile_missing',
      'Messages that the producer closed and the consumer does not know',
    );
    this.#unknown = metrics.gauge(
      'relink_reconcile_unknown',
      'Messages that the consumer settled and the producer does not know',
    );
  }

  start(): void {
    this.#repeater ??= repeat(
      EVERY_MS,
      () => this.look(),
      (error) => this.#log.warn({ err: error }, 'both sides of links could not be compared'),
    );
  }

  async stop(): Promise<void> {
    await this.#repeater?.stop();
  }

  /** Messages that the consumer lost, as far as the last look saw. */
  missingOf(link: string, consumer: string): number {
    return this.#found.get(`${link}/${consumer}`)?.missing ?? 0;
  }

  async look(): Promise<void> {
    const { links } = await this.#participants.topology();
    for (const { producer } of links.values())
      for (const consumer of producer.consumers)
        await this.#lookAt({ link: producer.id, producer: producer.producer, consumer });
  }

  async #lookAt(leg: { link: string; producer: string; consumer: string }): Promise<void> {
    const name = `${leg.link}/${leg.consumer}`;
    const balance = await readBalance(this.#participants, leg).catch(absentIfRefused);
    // A side that does not answer is a warning of its own; what was seen of it still holds.
    if (!balance) return;
    this.#missing.labels({ leg: name }).set(balance.missing);
    this.#unknown.labels({ leg: name }).set(balance.unknown);
    const known = this.#found.get(name)?.missing ?? 0;
    this.#found.set(name, balance);
    if (balance.missing > known)
      this.#log.error({ ...leg, missing: balance.missing }, `lost: relink reconcile ${leg.link}`);
  }
}

function absentIfRefused(error: unknown): undefined {
  if (error instanceof RpcCallError) return undefined;
  throw error;
}
