/**
 * Runs copies of messages: the handler does its work in a transaction that is rolled back, and the
 * result is kept to be compared with what the real message did. How copies are handled is a row in
 * the database: `log` only notes that they arrived.
 *
 * A formal handler may run at any time, because the newest version wins. A functional one can be
 * compared only if it runs before the message itself is applied, and in its turn: then what both
 * wrote to the outbox is compared, if both had the same basis. At any other time a copy has only
 * arrived. So that enough copies run in time, a message waits briefly for its copy, unless another
 * message is already waiting.
 */
import { isTransient } from '../../rpc/transient.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Database, Transaction } from '../../runtime/postgres.ts';
import { pause } from '../../runtime/wake.ts';
import { payloadHash } from '../contracts/payloadHash.ts';
import type { Applying } from '../inbox/applyNew.ts';
import { storableDetail } from '../inbox/deadLetters.ts';
import { readInbox } from '../inbox/deduplicate.ts';
import { type Arrival, type Delivery, isUuid } from '../inbox/delivery.ts';
import { withinLimit } from '../inbox/handler.ts';
import { writtenIn } from '../outbox/written.ts';
import { type Effect, effectOf } from './effects.ts';
import { readCopyHandling } from './handling.ts';
import { countShadowResults, type ShadowResult, saveShadowResults } from './results.ts';

/** Thrown inside the transaction so that it rolls back. */
class ShadowDone extends Error {}

/** A message waits for its copy at most this long, one at a time: the others are not held up. */
const WAIT_MS = 100;
const WAIT_POLL_MS = 5;

type Tried = Pick<ShadowResult, 'ok' | 'detail' | 'effect'>;
const ARRIVED: Tried = { ok: true, detail: '', effect: null };

export class ShadowRunner {
  readonly #sql: Database;
  readonly #applying: Applying;
  #isWaiting = false;

  constructor(sql: Database, applying: Applying) {
    this.#sql = sql;
    this.#applying = applying;
  }

  /** Rejects only when the results cannot be saved. */
  async run(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    const { link } = this.#applying;
    const mustRun = (await readCopyHandling(this.#sql, link)) === 'run';
    const results: ShadowResult[] = [];
    for (const delivery of deliveries) {
      const tried = mustRun ? await this.#try(delivery) : ARRIVED;
      results.push({ eventId: delivery.eventId, hash: delivery.hash, ...tried });
    }
    await saveShadowResults(this.#sql, link.id, results);
  }

  /** Functional links whose copies run: lets the copies of these messages run before them. */
  async waitForCopies(deliveries: readonly Delivery[]): Promise<void> {
    const { link } = this.#applying;
    if (link.kind === 'formal' || this.#isWaiting) return;
    const ids = deliveries.filter((one) => one.isCopied).map(({ eventId }) => eventId);
    if (ids.length === 0) return;
    const haveArrived = async () => (await countShadowResults(this.#sql, ids)) === ids.length;
    this.#isWaiting = true;
    try {
      if ((await readCopyHandling(this.#sql, link)) !== 'run') return;
      const untilMs = performance.now() + WAIT_MS;
      while (performance.now() < untilMs && !(await haveArrived())) await pause(WAIT_POLL_MS);
    } catch {
      // The database is down: the message itself will run into that and be tried again.
    } finally {
      this.#isWaiting = false;
    }
  }

  /** Notes a copy that does not fit its contract: the message itself would become a dead letter. */
  async refused(arrival: Arrival, detail: string): Promise<void> {
    const { eventId, text } = arrival;
    if (!isUuid(eventId)) return;
    const hash = payloadHash(eventId, text);
    const result = { eventId, hash, ok: false, detail: storableDetail(detail), effect: null };
    await saveShadowResults(this.#sql, this.#applying.link.id, [result]);
  }

  async #try(delivery: Delivery): Promise<Tried> {
    let effect: Effect | null = null;
    try {
      await this.#sql.begin(async (tx) => {
        effect = await this.#runHandler(tx, delivery);
        throw new ShadowDone();
      });
      return ARRIVED;
    } catch (error) {
      if (error instanceof ShadowDone) return { ...ARRIVED, effect };
      // The message itself came in the meantime: its handler cannot run twice.
      if (this.#applying.handler.kind === 'functional' && (await this.#isInInbox(delivery)))
        return ARRIVED;
      // A transient error, which is not the copy's fault.
      if (isTransient(error)) return ARRIVED;
      return { ok: false, detail: storableDetail(messageOf(error)), effect: null };
    }
  }

  /** Returns what it wrote to the outbox, or null when there is nothing to compare. */
  async #runHandler(tx: Transaction, delivery: Delivery): Promise<Effect | null> {
    const { handler, limitMs } = this.#applying;
    if (handler.kind === 'formal') {
      await withinLimit(limitMs, handler.apply(tx, [delivery]));
      return null;
    }
    if (!(await this.#isDue(tx, delivery))) return null;
    const basis = await withinLimit(limitMs, handler.apply(tx, delivery));
    return effectOf(delivery.eventId, writtenIn(tx), basis);
  }

  /** Whether it is the message's turn and the message itself has not arrived. */
  async #isDue(tx: Transaction, { eventId, key, version }: Delivery): Promise<boolean> {
    const { id, ordered = false } = this.#applying.link;
    const [row] = await tx<{ isDue: boolean }[]>`
      select not exists (select from relink.inbox where event_id = ${eventId})
        and (not ${ordered} or ${version} = 1 + coalesce((select version from relink.positions
          where link = ${id} and key = ${key}), 0)) as "isDue"`;
    return row!.isDue;
  }

  async #isInInbox({ eventId }: Delivery): Promise<boolean> {
    return (await readInbox(this.#sql, [eventId])).has(eventId);
  }
}
