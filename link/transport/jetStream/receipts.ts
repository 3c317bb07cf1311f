/**
 * Receipts of `async` messages: after its commit the consumer says in batches, on core NATS, what
 * became of them. Core NATS may lose a batch; nothing depends on it, because a row without a receipt
 * is asked for by `GetReceipts`.
 *
 * Subject `relink.receipts.<producer>`; the body is JSON:
 * `{"link":"COMM-010","consumer":"hiring","receipts":[["<event id>","applied",5], …]}`.
 */
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Settlement } from '../../inbox/delivery.ts';
import type { DispatchReceipt } from '../dispatcher.ts';

export interface ReceiptBatch {
  readonly link: string;
  readonly consumer: string;
  readonly receipts: readonly DispatchReceipt[];
}

/** Core NATS takes 1 MiB; 5,000 receipts are about 300 kB. */
const RECEIPTS_PER_MESSAGE = 5_000;

export function receiptSubject(producer: string): string {
  return `relink.receipts.${producer}`;
}

/** Sends what is settled; `retry` and `fenced` are no receipts and stay unsaid. */
export function sendReceipts(
  nats: NatsConnection,
  producer: string,
  batch: { link: string; consumer: string; settlements: readonly Settlement[] },
): void {
  const settled = batch.settlements.filter((s) => s.outcome !== 'retry' && s.outcome !== 'fenced');
  for (let i = 0; i < settled.length; i += RECEIPTS_PER_MESSAGE) {
    const receipts = settled
      .slice(i, i + RECEIPTS_PER_MESSAGE)
      .map((s) => [s.eventId, s.outcome, Number(s.epoch)]);
    const body = JSON.stringify({ link: batch.link, consumer: batch.consumer, receipts });
    nats.publish(receiptSubject(producer), body);
  }
}

/** Calls back with every batch of receipts for this producer; malformed ones are passed over. */
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
    receipts: [string, DispatchReceipt['outcome'], number][];
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
