/** Copies of published messages that go to one consumer as calls; nothing waits for their answers. */
import type { LinkDefinition } from '../link.ts';
import type { Dispatcher } from '../transport/dispatcher.ts';
import type { Parcel } from '../wire/parcel.ts';
import type { Flight } from './flight.ts';
import { versionOf } from './flightText.ts';

/** Copies in flight; at this limit publishing waits for the consumer. */
const COPIES = 256;

export interface CallCopiesOptions {
  readonly link: LinkDefinition;
  readonly consumer: string;
  readonly sync: Dispatcher;
  /** There is room again. */
  readonly wake: () => void;
}

export class CallCopies {
  readonly #options: CallCopiesOptions;
  #inFlight = 0;

  constructor(options: CallCopiesOptions) {
    this.#options = options;
  }

  get room(): number {
    return COPIES - this.#inFlight;
  }

  send(flight: Flight): void {
    const { link, consumer } = this.#options;
    const version = versionOf(link, flight);
    const { row } = flight;
    void this.#call({ row, version, to: [], shadow: [consumer], copied: [], resends: 0 });
  }

  async #call(copy: Parcel): Promise<void> {
    this.#inFlight += 1;
    await this.#options.sync.dispatch([copy]);
    this.#inFlight -= 1;
    this.#options.wake();
  }
}
