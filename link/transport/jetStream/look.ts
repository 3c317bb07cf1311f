/**
 * What a link's stream still has for a consumer. Looked at before the consumer is asked for receipts: a
 * message that it acknowledges in between is then among them.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import { readConsumer, readStream } from './provision.ts';

export interface StreamLook {
  /** When the stream was made; one that was removed and made again gives its numbers a second time. */
  readonly created: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Everything up to here was acknowledged by the consumer. */
  readonly ackedThrough: number;
}

/** Where a message was stored. */
export interface Stored {
  readonly seq: number;
  /** When its stream was made; undefined if nobody had looked yet. */
  readonly created: string | undefined;
}

export async function lookAtStream(
  manager: JetStreamManager,
  link: string,
  consumer: string,
): Promise<StreamLook> {
  const [stream, durable] = await Promise.all([
    readStream(manager, link),
    readConsumer(manager, link, consumer),
  ]);
  return {
    created: stream?.created ?? '',
    firstSeq: stream?.state.first_seq ?? 0,
    lastSeq: stream?.state.last_seq ?? 0,
    ackedThrough: durable?.ack_floor.stream_seq ?? 0,
  };
}

/** Whether a message is still on its way: the stream has it, and the consumer has yet to take it. */
export function isOnItsWay(look: StreamLook, { seq, created = look.created }: Stored): boolean {
  const isKept = created === look.created && seq >= look.firstSeq && seq <= look.lastSeq;
  return isKept && seq > look.ackedThrough;
}
