/**
 * Whether this service listens on a link's stream is a row in its database, so that every process of
 * the service follows and a restart remembers it.
 */
import type { Log } from '../../../runtime/log.ts';
import type { NatsConnection, StandingSubscription } from '../../../runtime/nats.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { type Repeater, repeat } from '../../../runtime/wake.ts';
import { onHint, sendHint } from '../../hints.ts';
import type { LinkDefinition } from '../../link.ts';
import type { StreamConsumer } from './receive.ts';

/** How soon the other processes of a service follow a change whose hint was lost. */
const POLL_MS = 1_000;

/** Links that start as `async` are listened to from the start. */
export async function prepareListening(
  sql: Database,
  links: readonly LinkDefinition[],
): Promise<void> {
  for (const link of links)
    await sql`insert into relink.listening (link, listening)
      values (${link.id}, ${link.starts.transport === 'async'}) on conflict do nothing`;
}

export async function setListening(
  sql: Database,
  link: string,
  isListening: boolean,
): Promise<void> {
  await sql`insert into relink.listening (link, listening) values (${link}, ${isListening})
    on conflict (link) do update set listening = excluded.listening`;
}

export async function readListening(sql: Database): Promise<Map<string, boolean>> {
  const rows = await sql<{ link: string; listening: boolean }[]>`
    select link, listening from relink.listening`;
  return new Map(rows.map((row) => [row.link, row.listening]));
}

export interface ListeningOptions {
  readonly sql: Database;
  readonly nats: NatsConnection;
  readonly log: Log;
  readonly service: string;
  readonly consumers: ReadonlyMap<string, StreamConsumer>;
}

/** Starts and stops this process's stream consumers as the database says. */
export class ListeningAgent {
  readonly name = 'listening';
  readonly #options: ListeningOptions;
  readonly #started = new Set<string>();
  #repeater: Repeater | undefined;
  #subscription: StandingSubscription | undefined;

  constructor(options: ListeningOptions) {
    this.#options = options;
  }

  start(): void {
    const { nats, service, log } = this.#options;
    this.#repeater ??= repeat(
      POLL_MS,
      () => this.#follow(),
      (error) => log.warn({ err: error }, 'could not read which streams to listen to'),
    );
    this.#subscription ??= onHint(
      nats,
      'follow',
      service,
      () => this.#repeater?.wake(),
      (problem) => log.warn({ err: problem }, 'no hints from other processes'),
    );
  }

  /** This process changed what is listened to: all processes of the service follow at once. */
  changed(): void {
    const { nats, service } = this.#options;
    sendHint(nats, 'follow', service);
    this.#repeater?.wake();
  }

  async #follow(): Promise<void> {
    const { sql, consumers } = this.#options;
    const wanted = await readListening(sql);
    for (const [link, consumer] of consumers) {
      const isWanted = wanted.get(link) ?? false;
      if (isWanted === this.#started.has(link)) continue;
      if (isWanted) {
        consumer.start();
        this.#started.add(link);
      } else {
        await consumer.stop();
        this.#started.delete(link);
      }
    }
  }

  async stop(): Promise<void> {
    this.#subscription?.unsubscribe();
    await this.#repeater?.stop();
    await Promise.all([...this.#options.consumers.values()].map((consumer) => consumer.stop()));
    this.#started.clear();
  }
}
