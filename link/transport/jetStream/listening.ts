/**
 * Whether this service listens on a link's stream is a row in its database, so that every process of
 * the service follows and a restart remembers it.
 */
import type { Log } from '../../../runtime/log.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { type Repeater, repeat } from '../../../runtime/wake.ts';
import type { LinkDefinition } from '../../link.ts';
import type { StreamConsumer } from './receive.ts';

/** How soon the other processes of a service follow a change. */
const POLL_MS = 200;

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

/** Starts and stops this process's stream consumers as the database says. */
export class ListeningAgent {
  readonly name = 'listening';
  readonly #sql: Database;
  readonly #log: Log;
  readonly #consumers: ReadonlyMap<string, StreamConsumer>;
  readonly #started = new Set<string>();
  #repeater: Repeater | undefined;

  constructor(sql: Database, log: Log, consumers: ReadonlyMap<string, StreamConsumer>) {
    this.#sql = sql;
    this.#log = log;
    this.#consumers = consumers;
  }

  start(): void {
    this.#repeater ??= repeat(
      POLL_MS,
      () => this.#follow(),
      (error) => this.#log.warn({ err: error }, 'could not read which streams to listen to'),
    );
  }

  /** Follows the database at once, without waiting for the next poll. */
  follow(): void {
    this.#repeater?.wake();
  }

  async #follow(): Promise<void> {
    const wanted = await readListening(this.#sql);
    for (const [link, consumer] of this.#consumers) {
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
    await this.#repeater?.stop();
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.stop()));
    this.#started.clear();
  }
}
