/**
 * Receipts of `async` messages: after its commit the consumer reports outcomes in batches over core
 * NATS. A batch may be lost; nothing depends on it, because the relay asks for missing receipts
 * with `GetReceipts`.
 *
 * Subject `relink.receipts.<producer>`; the body is JSON:
 * `{"link":"COMM-010","consumer":"hiring","receipts":[["<event id>","applied",5], …]}`.
 */
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Receipt } from '../../wire/receipt.ts';

export interface ReceiptBatch {
  readonly link: string;
  readonly consumer: string;
  readonly receipts: readonly Receipt[];
}

/** Core NATS allows 1 MiB; 5,000 receipts are about 300 kB. */
const RECEIPTS_PER_MESSAGE = 5_000;

export function receiptSubject(producer: string): string {
  return `relink.receipts.${producer}`;
}

/**
 * Sends the receipts of settled and parked messages, and of those that are tried again: their producer
 * counts the failed try.
 */
export function sendReceipts(nats: NatsConnection, producer: string, batch: ReceiptBatch): void {
  const sent = batch.receipts.filter(({ outcome }) => outcome !== 'fenced');
  for (let i = 0; i < sent.length; i += RECEIPTS_PER_MESSAGE) {
    const receipts = sent
      .slice(i, i + RECEIPTS_PER_MESSAGE)
      .map((one) => [one.eventId, one.outcome, Number(one.epoch)]);
    const body = JSON.stringify({ link: batch.link, consumer: batch.consumer, receipts });
    nats.publish(receiptSubject(producer), body);
  }
}

/** Calls back with every batch of receipts for this producer; malformed ones go to `onBad`. */
export function onReceipts(
  nats: NatsConnection,
  producer: string,
  callback: (batch: ReceiptBatch) => void,
  onBad: (problem: unknown) => void,
): Subscription {
  return nats.subscribe(receiptSubject(producer), {
    callback: (error, message) => {
      if (error) return onBad(error);
      try {
        callback(parseBatch(message.string()));
      } catch (problem) {
        onBad(problem);
      }
    },
  });
}

function parseBatch(text: string): ReceiptBatch {
  const { link, consumer, receipts } = JSON.parse(text) as {
    link: string;
    consumer: string;
    receipts: [string, Receipt['outcome'], number][];
  };
  return {
    link,
    consumer,
    receipts: receipts.map(([eventId, outcome, epoch]) => ({
      eventId,
      outcome,
      epoch: BigInt(epoch),
    })),
  };
}
