/** Dispatches to the link's stream: one publication serves every consumer whose lane is `async`. */
import { messageOf } from '../../../runtime/errors.ts';
import type { LinkDefinition } from '../../link.ts';
import { subjectOf } from '../../link.ts';
import { MAX_EVENT_BYTES } from '../../outbox/enqueue.ts';
import { encodeHeaderValue, HEADER } from '../../wire/headers.ts';
import { otherHashedVersion, type Parcel, textOf } from '../../wire/parcel.ts';
import { type Dispatcher, type DispatchResult, failed } from '../dispatcher.ts';
import { misfitOf, type Publication, type Publisher, type PublishResult } from './publisher.ts';

/** Bytes that UTF-8 takes at most for a unit of a JavaScript string. */
const UTF8_MAX = 3;
/** More than the headers of nearly every message; the others are measured. */
const HEADERS_ROOM = 4_096;
/** What a NATS server's `max_payload` must be for every event that the kit accepts. */
export const NEEDED_PAYLOAD = MAX_EVENT_BYTES + HEADERS_ROOM;

export class JetStreamDispatcher implements Dispatcher {
  readonly #publisher: Publisher;
  readonly #link: LinkDefinition;
  readonly #source: string;
  readonly #everyone: number;

  /** `source` is the producing service, as consumers see it. */
  constructor(publisher: Publisher, link: LinkDefinition, source: string) {
    this.#publisher = publisher;
    this.#link = link;
    this.#source = source;
    this.#everyone = Object.keys(link.consumers).length;
  }

  async dispatch(parcels: readonly Parcel[]): Promise<DispatchResult[]> {
    const results: DispatchResult[] = [];
    const publications: Publication[] = [];
    const places: number[] = [];
    for (const [i, parcel] of parcels.entries())
      try {
        publications.push(this.#publicationOf(parcel));
        places.push(i);
      } catch (error) {
        // It cannot be written in the route's contract version; the others can.
        results[i] = { kind: 'refused', reason: messageOf(error) };
      }
    const published = await this.#publisher.publish(publications);
    for (const [i, result] of published.entries()) results[places[i]!] = dispatchResultOf(result);
    return results;
  }

  /** A message that does not fit is found before anything newer of its key is published. */
  refusalOf(parcel: Parcel): string {
    const limit = this.#publisher.maxPayload;
    if (limit === undefined || parcel.row.body.length * UTF8_MAX + HEADERS_ROOM <= limit) return '';
    try {
      return misfitOf(this.#publicationOf(parcel), limit);
    } catch (error) {
      return messageOf(error);
    }
  }

  #publicationOf(parcel: Parcel): Publication {
    const { row, version } = parcel;
    return {
      subject: subjectOf(this.#link.id, row.lane, version, row.event),
      headers: this.#headersOf(parcel),
      body: textOf(this.#link, parcel),
    };
  }

  #headersOf(parcel: Parcel): string {
    const { row, to, shadow, copied } = parcel;
    let epoch = 0n;
    for (const one of to) if (one.epoch > epoch) epoch = one.epoch;
    const messageId = this.#messageIdOf(parcel);
    let lines =
      `${HEADER.messageId}: ${messageId}\r\n` +
      `${HEADER.expectedStream}: ${this.#link.id}\r\n` +
      `${HEADER.key}: ${encodeHeaderValue(row.key)}\r\n` +
      `${HEADER.version}: ${row.version}\r\n` +
      `${HEADER.epoch}: ${epoch}\r\n` +
      `${HEADER.source}: ${this.#source}\r\n` +
      `${HEADER.consumers}: ${to.map((one) => `${one.consumer}=${one.epoch}`).join(',')}\r\n`;
    const hashed = otherHashedVersion(this.#link, parcel);
    if (hashed !== undefined) lines += `${HEADER.hashedVersion}: ${hashed}\r\n`;
    if (messageId !== row.eventId) lines += `${HEADER.eventId}: ${row.eventId}\r\n`;
    if (shadow.length > 0) lines += `${HEADER.shadow}: ${shadow.join(',')}\r\n`;
    if (copied.length > 0) lines += `${HEADER.copied}: ${copied.join(',')}\r\n`;
    if (row.traceparent) lines += `${HEADER.traceparent}: ${row.traceparent}\r\n`;
    return lines;
  }

  /**
   * The event id, so that JetStream drops what is published twice. A message that must be stored
   * although its id may still be in the duplicate window gets an id of its own: one that is resent
   * because no receipt came, one for only some of the consumers, and a copy.
   */
  #messageIdOf({ row, to, shadow, resends }: Parcel): string {
    let id = row.eventId;
    if (to.length > 0 && to.length < this.#everyone) id += `/${to.map((one) => one.consumer)}`;
    if (to.length === 0) id += `/shadow/${shadow}`;
    return resends > 0 ? `${id}#${resends}` : id;
  }
}

function dispatchResultOf(result: PublishResult): DispatchResult {
  if (result.kind === 'stored') return { kind: 'sent', streamSeq: result.streamSeq };
  return result.kind === 'refused' ? result : failed(result.reason);
}
