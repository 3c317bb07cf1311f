/** Unrouted writers for the list of links, without counting inboxes for each request. */

import {
  describeUnrouted,
  findUnrouted,
  type Leg,
  mergeLooks,
  restMsOf,
} from '../migration/gates/unroutedWriter.ts';
import type { Participants } from '../migration/participants.ts';
import { RpcCallError } from '../rpc/client.ts';

/** A request waits no longer than this; the next one gets the result. */
const ANSWER_LIMIT_MS = 1_000;

interface Look {
  readonly found: Promise<string>;
  /** Infinity while it is under way. */
  untilMs: number;
}

export class UnroutedWatch {
  readonly #participants: Participants;
  readonly #looks = new Map<string, Look>();
  /** Messages known so far, by leg. */
  readonly #known = new Map<string, number>();

  constructor(participants: Participants) {
    this.#participants = participants;
  }

  /** What bypasses the leg's outbox; empty when nothing does or no result is there in time. */
  async find(leg: Leg): Promise<string> {
    const name = `${leg.link}/${leg.consumer}`;
    const known = this.#looks.get(name);
    const look = known && performance.now() < known.untilMs ? known : this.#look(name, leg);
    this.#looks.set(name, look);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, ANSWER_LIMIT_MS, '');
    });
    const found = await Promise.race([look.found, late]);
    clearTimeout(timer);
    return found;
  }

  #look(name: string, leg: Leg): Look {
    const startedMs = performance.now();
    const look: Look = { untilMs: Number.POSITIVE_INFINITY, found: this.#read(name, leg) };
    const rest = () => {
      const nowMs = performance.now();
      look.untilMs = nowMs + restMsOf(nowMs - startedMs);
    };
    look.found.then(rest, rest);
    return look;
  }

  /** Empty for a side that does not answer, which is a warning of its own. */
  async #read(name: string, leg: Leg): Promise<string> {
    try {
      const found = await findUnrouted(this.#participants, leg);
      const count = mergeLooks(this.#known.get(name) ?? 0, found);
      this.#known.set(name, count);
      return describeUnrouted(leg, { ...found, count });
    } catch (error) {
      if (error instanceof RpcCallError) return '';
      throw error;
    }
  }
}
