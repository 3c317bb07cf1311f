/**
 * Closes rows in batches: while one statement runs, the next batch fills up. A lone row is closed
 * at once; under load, one statement closes a thousand rows.
 */

import type { Log } from '../../runtime/log.ts';
import { type Database, isLocked } from '../../runtime/postgres.ts';
import { payloadHash } from '../contracts/payloadHash.ts';
import { type ClosingRow, closeRows } from './closeRows.ts';
import type { OutboxRow } from './openRows.ts';

/** The most rows one statement removes; larger batches gain nothing (measured at 1,000). */
const CLOSE_BATCH = 2_000;

/** How soon a row that somebody else locked is tried again. */
const LOCKED_RETRY_MS = 1_000;

/** A row to close. */
export interface Closable {
  readonly row: OutboxRow;
  /** The epoch under which the consumer settled it, or NOT_DELIVERED. */
  readonly settledEpoch: bigint;
  /** The consumer keeps it as a dead letter. */
  readonly isDead?: boolean;
}

/** The event's text in the contract version that the consumer hashed. */
export interface HashedText {
  readonly version: number;
  readonly text: string;
}

export interface CloserOptions<T extends Closable> {
  readonly sql: Database;
  readonly log: Log;
  readonly link: string;
  readonly leg: string;
  readonly instance: string;
  /** The fencing term of a lane this relay owns, or undefined. */
  readonly termOf: (lane: number) => bigint | undefined;
  /** Whether closed rows go to the history. */
  readonly keepsHistory: boolean;
  /** The event's text as the consumer hashed it. */
  readonly textOf: (flight: T) => HashedText;
  readonly onClosed: (flights: readonly T[]) => void;
  /** The rows' state is unknown, or the lanes are no longer ours: read all of these lanes again. */
  readonly onLost: (lanes: ReadonlySet<number>) => void;
}

export class Closer<T extends Closable> {
  readonly #options: CloserOptions<T>;
  #gathered: T[] = [];
  #running: Promise<void> | undefined;

  constructor(options: CloserOptions<T>) {
    this.#options = options;
  }

  close(flight: T): void {
    this.#gathered.push(flight);
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is left to close. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    // One turn of the event loop collects the receipts that arrived together.
    await new Promise(setImmediate);
    while (this.#gathered.length > 0) {
      const batch = this.#gathered.splice(0, CLOSE_BATCH);
      await this.#closeBatch(batch);
    }
    this.#running = undefined;
  }

  async #closeBatch(batch: readonly T[]): Promise<void> {
    const { sql, link, leg, instance, log, keepsHistory: isKept, onClosed } = this.#options;
    const owned = this.#withTerms(batch);
    if (owned.flights.length === 0) return;
    try {
      const rows = owned.flights.map((flight) => this.#closingRowOf(flight));
      const closing = { leg, rows, terms: owned.terms, isKept };
      const closed = await closeRows(sql, { link, instance }, closing);
      const missing = rows.length - closed.removed;
      // Already closed by a statement whose response was lost; if not, the certificate will show
      // it.
      if (closed.isOwned && missing > 0) log.warn({ leg, missing }, 'rows were already gone');
      if (closed.isOwned) return onClosed(owned.flights);
    } catch (error) {
      if (isLocked(error)) return this.#closeAround(owned.flights);
      log.warn({ err: error, leg }, 'closing rows failed; reading their lanes again');
    }
    this.#lose(owned.flights);
  }

  /** Somebody locked one of the rows: the others are closed without it. */
  async #closeAround(batch: readonly T[]): Promise<void> {
    if (batch.length === 1) {
      const { log, leg } = this.#options;
      log.warn({ leg, eventId: batch[0]!.row.eventId }, 'a row is locked; it is closed later');
      setTimeout(() => this.close(batch[0]!), LOCKED_RETRY_MS).unref();
      return;
    }
    const half = Math.ceil(batch.length / 2);
    await this.#closeBatch(batch.slice(0, half));
    await this.#closeBatch(batch.slice(half));
  }

  #withTerms(batch: readonly T[]): { flights: T[]; terms: Map<number, bigint> } {
    const terms = new Map<number, bigint>();
    const flights: T[] = [];
    const lost: T[] = [];
    for (const flight of batch) {
      const term = this.#options.termOf(flight.row.lane);
      if (term === undefined) lost.push(flight);
      else {
        terms.set(flight.row.lane, term);
        flights.push(flight);
      }
    }
    if (lost.length > 0) this.#lose(lost);
    return { flights, terms };
  }

  #closingRowOf(flight: T): ClosingRow {
    const { seq, eventId } = flight.row;
    const { text, version: hashedVersion } = this.#textOf(flight);
    const hash = payloadHash(eventId, text);
    const { settledEpoch: epoch, isDead = false } = flight;
    return { seq, eventId, epoch, hash, hashedVersion, isDead };
  }

  /** A row that has its receipt must be closed; the certificate will not come out equal. */
  #textOf(flight: T): HashedText {
    const { textOf, log, leg } = this.#options;
    try {
      return textOf(flight);
    } catch (error) {
      log.error({ err: error, leg, eventId: flight.row.eventId }, 'hash of the consumer unknown');
      return { text: flight.row.body, version: flight.row.eventVersion };
    }
  }

  #lose(flights: readonly T[]): void {
    this.#options.onLost(new Set(flights.map((flight) => flight.row.lane)));
  }
}
