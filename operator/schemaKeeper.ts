/**
 * A database that is made anew, or comes from a backup, has what a completed run had removed from the
 * one before it. It is removed again: what only a given-up contract version needs, nobody may have.
 */
import { readSchema } from '../migration/leg/schema.ts';
import { type Participants, REPEATABLE } from '../migration/participants.ts';
import type { Journal } from '../migration/run/journal.ts';
import { linksOf } from '../migration/run/links.ts';
import type { RunRecord } from '../migration/run/record.ts';
import type { Agent } from '../runtime/lifecycle.ts';
import type { Log } from '../runtime/log.ts';
import { type Repeater, repeat } from '../runtime/wake.ts';

const EVERY_MS = 10_000;

export interface SchemaKeeperOptions {
  readonly participants: Participants;
  readonly journal: Journal;
  readonly log: Log;
  /** Only the operator with the active engine changes anything. */
  readonly isActing: () => boolean;
}

interface GivenUp {
  readonly link: string;
  readonly service: string;
  /** The oldest contract version that is still carried. */
  readonly version: number;
}

export class SchemaKeeper implements Agent {
  readonly name = 'schema keeper';
  readonly #options: SchemaKeeperOptions;
  #repeater: Repeater | undefined;

  constructor(options: SchemaKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    const { log } = this.#options;
    this.#repeater ??= repeat(
      EVERY_MS,
      () => this.look(),
      (error) => log.warn({ err: error }, 'a schema could not be kept'),
    );
  }

  async stop(): Promise<void> {
    await this.#repeater?.stop();
  }

  /** Looks at every service whose older versions a completed run gave up. */
  async look(): Promise<void> {
    const { journal, isActing } = this.#options;
    if (!isActing()) return;
    for (const one of givenUpBy(await journal.versionMoves())) await this.#keep(one);
  }

  async #keep({ link, service, version }: GivenUp): Promise<void> {
    const { participants, log, isActing } = this.#options;
    const client = participants.of(service);
    const { due } = await readSchema(client, link);
    const missing = due.filter((one) => one.version <= version && !one.made);
    if (missing.length === 0 || !isActing()) return;
    await client.contractSchema({ link, version }, REPEATABLE);
    const names = missing.map(({ name }) => name);
    log.warn({ link, service, changes: names }, 'removed again from a database that had them anew');
  }
}

/** Of the producer only what every consumer's run gave up. */
function givenUpBy(runs: readonly RunRecord[]): GivenUp[] {
  const legs = new Map<string, GivenUp>();
  for (const run of runs)
    for (const { link, consumers, to } of linksOf(run))
      for (const service of [...consumers, ...(run.consumer === '' ? [run.producer] : [])]) {
        const before = legs.get(`${link} ${service}`)?.version ?? 0;
        const version = Math.max(before, to.version);
        legs.set(`${link} ${service}`, { link, service, version });
      }
  return [...legs.values()];
}
