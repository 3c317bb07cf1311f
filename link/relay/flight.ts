/**
 * A flight is one open outbox row in the memory of the relay that owns its lane, from the read to
 * the receipt. Every change of its state is in TRANSITIONS and nowhere else: what the table does
 * not list does not happen, so a result that comes too late (the message is already parked, settled
 * or let go) has no effect. docs/architecture.md draws the table.
 */
import {
  ASK_AFTER_MS,
  ASK_BACKOFF,
  backoffMs,
  GIVE_UP,
  PARKED_ASK_MS,
  RESEND,
  RETRY_BACKOFF,
} from '../backoff.ts';
import type { OutboxRow } from '../outbox/openRows.ts';
import { isOnItsWay, type Stored, type StreamLook } from '../transport/jetStream/look.ts';
import type { Route } from './routes.ts';

/**
 * - `pending`: read; waiting for its lane, for room or for its turn to be published
 * - `queued`: waiting for its turn behind earlier messages of its key (`sync`)
 * - `sending`: handed to a dispatcher, no result yet
 * - `sent`: stored by JetStream, or left to `pull`; no receipt yet
 * - `waiting`: failed; tried again at `dueMs`
 * - `parked`: the consumer keeps it until an earlier message of its key is settled
 * - `settled`: has its receipt; the row is about to be removed
 * - `gone`: its row is removed, or its lane belongs to another relay
 */
export type FlightState =
  | 'pending'
  | 'queued'
  | 'sending'
  | 'sent'
  | 'waiting'
  | 'parked'
  | 'settled'
  | 'gone';

interface Transition {
  readonly from: readonly FlightState[];
  readonly to: FlightState;
}

const IN_FLIGHT = ['pending', 'queued', 'sending', 'sent', 'waiting'] as const;
const OPEN = [...IN_FLIGHT, 'parked'] as const;

export const TRANSITIONS = {
  /** Route `sync`: it joins the queue of its key. */
  queue: { from: ['pending'], to: 'queued' },
  /** It is first in the queue of its key, and a call is free. */
  call: { from: ['queued'], to: 'sending' },
  /** Route `async`. */
  publish: { from: ['pending'], to: 'sending' },
  /** Handed over: the receipt comes later. */
  handOver: { from: ['sending'], to: 'sent' },
  /** Not handed over, or the outcome is unknown. */
  fail: { from: ['sending'], to: 'waiting' },
  /** Refused behind an earlier message of its key that was refused: it waits for that one. */
  holdBack: { from: ['sending'], to: 'pending' },
  /** The wait is over: it may be called again, or be published again. */
  callAgain: { from: ['waiting'], to: 'queued' },
  publishAgain: { from: ['waiting'], to: 'pending' },
  /** The consumer does not know it: it is sent again under the same event id. */
  resend: { from: ['sent', 'parked'], to: 'pending' },
  /** Its lane has a newer route that does not wait for the old one. */
  takeBack: { from: IN_FLIGHT, to: 'pending' },
  /** Route `pull`, but an earlier route may have delivered it: the consumer is asked first. */
  askBeforePull: { from: ['pending'], to: 'sent' },
  /** Receipts, at any time and over any transport. */
  park: { from: OPEN, to: 'parked' },
  settle: { from: OPEN, to: 'settled' },
  letGo: { from: [...OPEN, 'settled'], to: 'gone' },
} as const satisfies Record<string, Transition>;

function takesRoom(state: FlightState): boolean {
  return state !== 'parked' && state !== 'gone';
}

/** Why a message does not get further. */
export interface Blocked {
  readonly reason: string;
  /** Monotonic time of the first failure in a row. */
  readonly sinceMs: number;
  /** The consumer said so: it holds until it gives another answer, however often it is sent. */
  readonly isAnswer: boolean;
}

export type Cause = keyof typeof TRANSITIONS;

/** What the flights of a lane take in memory; a parked one waits at the consumer and takes no room. */
export interface LaneRoom {
  resize(rows: 1 | -1, row: OutboxRow): void;
}

export class Flight {
  readonly row: OutboxRow;
  /** Monotonic time of the row's insertion, as closely as the clocks allow. */
  readonly openedAtMs: number;
  readonly #room: LaneRoom | undefined;
  #state: FlightState = 'pending';
  /** The route of its last dispatch. */
  route: Route | undefined;
  /** Failed attempts since it was last handed over. */
  failures = 0;
  /** Times it was sent again because no receipt came; each needs a new message id. */
  resends = 0;
  /** Grows when the flight is taken back; of an older dispatch, only a receipt still counts. */
  generation = 0;
  /** The consumer is asked about it before it is left to `pull`. */
  isAskedFor = false;
  /** When it is tried again (`waiting`) or its receipt is asked for (`sent`, `parked`). */
  dueMs = 0;
  sentAtMs = 0;
  /** Where JetStream stored it. */
  stored: Stored | undefined;
  /** Why it waits; gone as soon as it gets further. */
  blocked: Blocked | undefined;
  /** The epoch under which the consumer settled it. */
  settledEpoch = 0n;
  /** The consumer gave it up and keeps it as a dead letter. */
  isDead = false;
  /** The contract version whose text the consumer hashed; undefined if it did not say. */
  settledVersion: number | undefined;

  constructor(row: OutboxRow, nowMs: number, room?: LaneRoom) {
    this.row = row;
    this.openedAtMs = nowMs - row.ageMs;
    this.#room = room;
    room?.resize(1, row);
  }

  get state(): FlightState {
    return this.#state;
  }

  /** Whether it may have reached the consumer and has no receipt yet. */
  isInFlight(): boolean {
    if (this.#state === 'pending') return this.route !== undefined;
    return (IN_FLIGHT as readonly FlightState[]).includes(this.#state);
  }

  /** Returns whether the table allowed it. */
  #change(cause: Cause): boolean {
    const { from, to }: Transition = TRANSITIONS[cause];
    if (!from.includes(this.#state)) return false;
    const took = takesRoom(this.#state);
    this.#state = to;
    if (took !== takesRoom(to)) this.#room?.resize(took ? -1 : 1, this.row);
    return true;
  }

  // ---- dispatch ----

  queue(route: Route): boolean {
    if (!this.#change('queue')) return false;
    this.route = route;
    return true;
  }

  call(): boolean {
    return this.#change('call');
  }

  publish(route: Route): boolean {
    if (!this.#change('publish')) return false;
    this.route = route;
    return true;
  }

  handOver(nowMs: number, stored?: Stored): boolean {
    if (!this.#change('handOver')) return false;
    this.stored = stored;
    this.failures = 0;
    this.#getFurther();
    this.sentAtMs = nowMs;
    this.dueMs = nowMs + ASK_AFTER_MS;
    return true;
  }

  /** `afterMs` is the delay that the consumer asked for. */
  fail(nowMs: number, reason: string, afterMs?: number): boolean {
    if (!this.#change('fail')) return false;
    this.failures += 1;
    this.blockedBy(reason, nowMs);
    this.dueMs = nowMs + (afterMs || backoffMs(this.failures, RETRY_BACKOFF));
    return true;
  }

  /** Notes why it does not get further; the time of the first failure in a row stays. */
  blockedBy(reason: string, nowMs: number, isAnswer = false): void {
    this.blocked = { reason, sinceMs: this.blocked?.sinceMs ?? nowMs, isAnswer };
  }

  /** The consumer said `retry`: JetStream brings it again by itself, so it stays as it is. */
  triedInVain(nowMs: number, reason: string): void {
    if (this.#state === 'sent' || this.#state === 'parked') this.blockedBy(reason, nowMs, true);
  }

  #getFurther(): void {
    if (!this.blocked?.isAnswer) this.blocked = undefined;
  }

  holdBack(): boolean {
    return this.#change('holdBack');
  }

  tryAgain(): boolean {
    return this.#change(this.route?.transport === 'sync' ? 'callAgain' : 'publishAgain');
  }

  /**
   * Has it dispatched again by the newest route; the result of the dispatch before no longer
   * counts.
   */
  takeBack(): boolean {
    if (!this.isInFlight() || !this.#change('takeBack')) return false;
    this.generation += 1;
    this.resends += 1;
    this.isAskedFor = false;
    return true;
  }

  // ---- receipts ----

  park(nowMs: number): boolean {
    if (!this.#change('park')) return false;
    this.blocked = undefined;
    this.dueMs = nowMs + PARKED_ASK_MS;
    return true;
  }

  settle(epoch: bigint, version?: number): boolean {
    if (!this.#change('settle')) return false;
    this.blocked = undefined;
    this.settledEpoch = epoch;
    this.settledVersion = version;
    return true;
  }

  askBeforePull(nowMs: number): boolean {
    if (!this.#change('askBeforePull')) return false;
    this.isAskedFor = true;
    this.dueMs = nowMs;
    return true;
  }

  /** Whether its receipt is overdue: the consumer is then asked for it. */
  isOverdue(nowMs: number): boolean {
    return (this.#state === 'sent' || this.#state === 'parked') && this.dueMs <= nowMs;
  }

  /** The consumer was asked and gave no receipt: ask again later, less and less often. */
  askLater(nowMs: number): void {
    this.#getFurther();
    if (this.#state === 'parked') this.dueMs = nowMs + PARKED_ASK_MS;
    if (this.#state !== 'sent') return;
    this.failures += 1;
    this.dueMs = nowMs + backoffMs(this.failures, ASK_BACKOFF);
  }

  /**
   * Whether it has to be sent again: the stream lost it, or, where nobody can tell, it was sent long ago.
   * Each time that it was sent again before doubles the wait.
   */
  isLost(nowMs: number, look?: StreamLook): boolean {
    const { stored } = this;
    if (look && stored && isOnItsWay(look, stored)) return false;
    const { baseMs, capMs } = look && stored ? RESEND : GIVE_UP;
    return nowMs - this.sentAtMs > Math.min(baseMs * 2 ** this.resends, capMs);
  }

  resend(): boolean {
    if (!this.#change('resend')) return false;
    this.resends += 1;
    return true;
  }

  letGo(): boolean {
    this.generation += 1;
    return this.#change('letGo');
  }
}
