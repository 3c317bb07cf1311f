/**
 * Publishes to JetStream with many messages in flight and one shared reply inbox: a single wildcard
 * subscription takes all acknowledgements and a token in the reply subject says whose it is.
 * Measured at 4 times `js.publish`, whose per-call muxing and async traces cost the most. A batch is
 * written as the protocol's text and encoded once, in large pieces, instead of message by message.
 *
 * An acknowledgement means "stored", never "delivered" and not even "on disk": it closes nothing. A
 * missing one means unknown: the message may still be stored.
 */

import { createInbox, type MsgHdrs, PermissionViolationError } from '@nats-io/transport-node';
import { messageOf } from '../../../runtime/errors.ts';
import {
  keepSubscribed,
  type NatsConnection,
  type StandingSubscription,
} from '../../../runtime/nats.ts';
import { isRefusedMessage } from '../../../runtime/natsErrors.ts';

export interface Publication {
  readonly subject: string;
  /** Lines as they are sent, each with its end. */
  readonly headers: string;
  readonly body: string;
}

/** Of protocol text at most in one piece; then it is encoded and given to the client. */
const PIECE_CHARACTERS = 256 * 1_024;

/** The inside of the client that sends a command as it is; the tests beside this file pin it. */
interface ClientCore {
  readonly protocol: {
    sendCommand(command: Uint8Array): void;
    readonly noMorePublishing: boolean;
  };
}

/** What JetStream said about one publication. */
export type PublishResult =
  | { readonly kind: 'stored'; readonly streamSeq: number; readonly duplicate: boolean }
  /** Client or server refused this one for what it is: nothing is stored, and others may be. */
  | { readonly kind: 'refused'; readonly reason: string }
  /**
   * Unknown, or refused for a state of the stream that is every message's: no response in time, no
   * stream, no leader, a full disk, connection lost.
   */
  | { readonly kind: 'unknown'; readonly reason: string };

/** How long an acknowledgement may take; a healthy R3 stream answers within milliseconds. */
export const PUBLISH_TIMEOUT_MS = 5_000;

const HEAD = 'NATS/1.0\r\n';

interface PendingBatch {
  readonly messages: readonly Publication[];
  readonly results: PublishResult[];
  waiting: number;
  readonly done: (reason?: string) => void;
  readonly timer: NodeJS.Timeout;
}

export class Publisher {
  readonly #nats: NatsConnection;
  readonly #prefix: string;
  readonly #batches = new Map<string, PendingBatch>();
  #subscription: StandingSubscription | undefined;
  #next = 0;

  constructor(nats: NatsConnection) {
    this.#nats = nats;
    this.#prefix = `${createInbox()}.`;
  }

  /** Bytes that a message with its headers may have; undefined while there is no connection. */
  get maxPayload(): number | undefined {
    return this.#nats.info?.max_payload;
  }

  /**
   * Publishes all messages in order and returns results in the same order, once each is
   * acknowledged or the time is up. Never rejects. The stream has them in the order given, less
   * those that the server refused.
   */
  publish(
    messages: readonly Publication[],
    timeoutMs = PUBLISH_TIMEOUT_MS,
  ): Promise<PublishResult[]> {
    if (messages.length === 0) return Promise.resolve([]);
    const token = (this.#next++).toString(36);
    return new Promise((resolve) => {
      const results: PublishResult[] = new Array(messages.length);
      const done = (reason = 'no acknowledgement in time') => {
        clearTimeout(batch.timer);
        this.#batches.delete(token);
        for (let i = 0; i < results.length; i++) results[i] ??= { kind: 'unknown', reason };
        resolve(results);
      };
      const timer = setTimeout(() => done(), timeoutMs);
      const batch: PendingBatch = { messages, results, waiting: messages.length, done, timer };
      this.#batches.set(token, batch);
      this.#send(messages, token, batch);
    });
  }

  #send(messages: readonly Publication[], token: string, batch: PendingBatch): void {
    try {
      this.#subscription ??= this.#listen();
      let piece = '';
      for (let i = 0; i < messages.length; i++) {
        piece += this.#commandOf(messages[i]!, `${this.#prefix}${token}.${i}`, batch, i);
        if (piece.length < PIECE_CHARACTERS) continue;
        this.#write(piece);
        piece = '';
      }
      this.#write(piece);
    } catch (error) {
      // The client is closed: what it accepted before is unknown.
      batch.done(messageOf(error));
    }
  }

  /** HPUB; empty for a message that the server would end the connection for. */
  #commandOf(message: Publication, reply: string, batch: PendingBatch, i: number): string {
    const { subject, headers, body } = message;
    const [headerBytes, bytes] = sizesOf(message);
    const limit = this.maxPayload ?? Number.POSITIVE_INFINITY;
    if (bytes <= limit)
      return `HPUB ${subject} ${reply} ${headerBytes} ${bytes}\r\n${HEAD}${headers}\r\n${body}\r\n`;
    this.#note(batch, i, { kind: 'refused', reason: tooLarge(bytes, limit) });
    return '';
  }

  #write(commands: string): void {
    const { protocol } = this.#nats as unknown as ClientCore;
    if (this.#nats.isClosed() || protocol.noMorePublishing)
      throw new Error('the connection to NATS is closed');
    if (commands !== '') protocol.sendCommand(Buffer.from(commands));
  }

  /** Acknowledgements, and what the server says about subjects that it does not let us publish to. */
  #listen(): StandingSubscription {
    void this.#followRefusals();
    return keepSubscribed(
      this.#nats,
      `${this.#prefix}>`,
      ({ subject, data, headers }) => this.#answered(subject, data, headers),
      (problem) => this.#endAll(messageOf(problem)),
    );
  }

  async #followRefusals(): Promise<void> {
    for await (const status of this.#nats.status()) {
      if (status.type !== 'error' || !(status.error instanceof PermissionViolationError)) continue;
      const { operation, subject, message: reason } = status.error;
      if (operation !== 'publish') continue;
      for (const batch of [...this.#batches.values()])
        for (const [i, message] of batch.messages.entries())
          if (message.subject === subject) this.#note(batch, i, { kind: 'refused', reason });
    }
  }

  #answered(subject: string, body: Uint8Array, headers: MsgHdrs | undefined): void {
    const [token, index] = subject.slice(this.#prefix.length).split('.');
    const batch = this.#batches.get(token!);
    if (batch) this.#note(batch, Number(index), resultOf(body, headers));
  }

  /** The first result counts. */
  #note(batch: PendingBatch, i: number, result: PublishResult): void {
    if (batch.results[i]) return;
    batch.results[i] = result;
    batch.waiting -= 1;
    if (batch.waiting === 0) batch.done();
  }

  #endAll(reason?: string): void {
    for (const batch of [...this.#batches.values()]) batch.done(reason);
  }

  /** Ends every batch that still waits; its missing results count as unknown. */
  stop(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#endAll();
  }
}

/** Bytes of a message's headers, and of all of it. */
function sizesOf({ headers, body }: Publication): [headers: number, all: number] {
  const headerBytes = HEAD.length + Buffer.byteLength(headers) + 2;
  return [headerBytes, headerBytes + Buffer.byteLength(body)];
}

/** Why a message does not fit; empty when it does. */
export function misfitOf(message: Publication, limit: number): string {
  const [, bytes] = sizesOf(message);
  return bytes <= limit ? '' : tooLarge(bytes, limit);
}

function tooLarge(size: number, limit: number): string {
  return `too large for the NATS server: ${size} bytes, and its max_payload is ${limit}; raise max_payload`;
}

function textOf({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('utf8');
}

/** What an acknowledgement of JetStream looks like nearly always. */
const STORED = /^\{"stream":"[^"\\]*",\s?"seq":(\d+)\}$/;

function resultOf(body: Uint8Array, headers: MsgHdrs | undefined): PublishResult {
  if (body.length === 0)
    return { kind: 'unknown', reason: headers?.code === 503 ? 'no responders' : 'empty response' };
  const text = textOf(body);
  const seq = STORED.exec(text)?.[1];
  if (seq) return { kind: 'stored', streamSeq: Number(seq), duplicate: false };
  const answer = JSON.parse(text) as {
    seq?: number;
    duplicate?: boolean;
    error?: { code: number; err_code: number; description: string };
  };
  if (!answer.error)
    return { kind: 'stored', streamSeq: answer.seq ?? 0, duplicate: answer.duplicate ?? false };
  const { err_code, description } = answer.error;
  const reason = `${description} (${err_code})`;
  return isRefusedMessage(err_code) ? { kind: 'refused', reason } : { kind: 'unknown', reason };
}
