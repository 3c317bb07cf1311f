/**
 * Removes the rows that receipts closed, in batches: while one statement runs the next batch gathers,
 * so that a lone row is closed at once and a flood costs one statement a thousand rows.
 */

import type { Log } from '../../runtime/log.ts';
import type { Database } from '../../runtime/postgres.ts';
import { payloadHash } from '../contracts/payloadHash.ts';
import type { Flight, LegWindow } from '../relay/flight.ts';
import { type ClosingRow, closeRows } from './closeRows.ts';

/** Rows one statement removes at most; larger batches gain nothing (measured at 1,000). */
const CLOSE_BATCH = 2_000;

export interface CloserOptions {
  readonly sql: Database;
  readonly log: Log;
  readonly link: string;
  readonly instance: string;
  /** The fencing term of a lane this relay owns, or undefined. */
  readonly termOf: (lane: number) => bigint | undefined;
  /** The event's text as the consumer settled it. */
  readonly textOf: (flight: Flight) => string;
  readonly onClosed: (flights: readonly Flight[]) => void;
  /** The rows' fate is unknown or not ours: everything of these lanes must be read again. */
  readonly onLost: (lanes: ReadonlySet<number>) => void;
}

export class Closer {
  readonly #options: CloserOptions;
  readonly #window: LegWindow;
  #gathered: Flight[] = [];
  #running: Promise<void> | undefined;

  constructor(window: LegWindow, options: CloserOptions) {
    this.#window = window;
    this.#options = options;
  }

  close(flight: Flight): void {
    flight.state = 'settled';
    this.#gathered.push(flight);
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is left to close. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    // One turn of the event loop gathers the receipts that arrived together.
    await new Promise(setImmediate);
    while (this.#gathered.length > 0) {
      const batch = this.#gathered.splice(0, CLOSE_BATCH);
      await this.#closeBatch(batch);
    }
    this.#running = undefined;
  }

  async #closeBatch(batch: readonly Flight[]): Promise<void> {
    const { sql, link, instance, log, onClosed } = this.#options;
    const owned = this.#withTerms(batch);
    if (owned.flights.length === 0) return;
    try {
      const { leg } = this.#window;
      const rows = owned.flights.map((flight) => this.#closingRowOf(flight));
      const closed = await closeRows(sql, { link, instance }, { leg, rows, terms: owned.terms });
      const missing = rows.length - closed.removed;
      // Closed before by a statement whose answer was lost; if not, the certificate will tell.
      if (closed.isOwned && missing > 0) log.warn({ leg, missing }, 'rows were gone already');
      if (closed.isOwned) return onClosed(owned.flights);
    } catch (error) {
      log.warn({ err: error, leg: this.#window.leg }, 'closing failed, reading again');
    }
    this.#lose(owned.flights);
  }

  #withTerms(batch: readonly Flight[]): { flights: Flight[]; terms: Map<number, bigint> } {
    const terms = new Map<number, bigint>();
    const flights: Flight[] = [];
    const lost: Flight[] = [];
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

  #closingRowOf(flight: Flight): ClosingRow {
    const { seq, lane, eventId } = flight.row;
    const hash = payloadHash(eventId, this.#options.textOf(flight));
    return { seq, lane, epoch: flight.settledEpoch, hash };
  }

  #lose(flights: readonly Flight[]): void {
    this.#options.onLost(new Set(flights.map((flight) => flight.row.lane)));
  }
}
