/**
 * Receipts of `async` messages: after its commit the consumer reports outcomes in batches over core
 * NATS. A batch may be lost; nothing depends on it, because the relay asks for missing receipts
 * with `GetReceipts`.
 *
 * Subject `relink.receipts.<producer>`; the body is JSON:
 * `{"link":"COMM-010","consumer":"hiring","receipts":[["<event id>","applied",5,0], …]}`: event id,
 * outcome, epoch, and the contract version whose text was hashed.
 */
import {
  keepSubscribed,
  type NatsConnection,
  type StandingSubscription,
} from '../../../runtime/nats.ts';
import { type Receipt, versionIn } from '../../wire/receipt.ts';

export interface ReceiptBatch {
  readonly link: string;
  readonly consumer: string;
  readonly receipts: readonly Receipt[];
}

const RECEIPTS_PER_MESSAGE = 5_000;
/** Bytes of a receipt in the body, and of what is around them: more than any takes. */
const RECEIPT_BYTES = 100;
const AROUND_BYTES = 200;

export function receiptSubject(producer: string): string {
  return `relink.receipts.${producer}`;
}

/**
 * Sends the receipts of settled and parked messages, and of those that are tried again: their producer
 * counts the failed try.
 */
export function sendReceipts(nats: NatsConnection, producer: string, batch: ReceiptBatch): void {
  const sent = batch.receipts.filter(({ outcome }) => outcome !== 'fenced');
  const perMessage = receiptsPerMessage(nats);
  for (let i = 0; i < sent.length; i += perMessage) {
    const receipts = sent
      .slice(i, i + perMessage)
      .map((one) => [one.eventId, one.outcome, Number(one.epoch), one.version]);
    const body = JSON.stringify({ link: batch.link, consumer: batch.consumer, receipts });
    nats.publish(receiptSubject(producer), body);
  }
}

/** As many as the server's `max_payload` has room for. */
function receiptsPerMessage(nats: NatsConnection): number {
  const room = (nats.info?.max_payload ?? Number.POSITIVE_INFINITY) - AROUND_BYTES;
  return Math.max(1, Math.min(RECEIPTS_PER_MESSAGE, Math.floor(room / RECEIPT_BYTES)));
}

/**
 * Calls back with every batch of receipts for this producer; malformed ones, and a subscription that
 * the server refuses for now, go to `onBad`.
 */
export function onReceipts(
  nats: NatsConnection,
  producer: string,
  callback: (batch: ReceiptBatch) => void,
  onBad: (problem: unknown) => void,
): StandingSubscription {
  const take = (body: string) => callback(parseBatch(body));
  return keepSubscribed(nats, receiptSubject(producer), (message) => take(message.string()), onBad);
}

function parseBatch(text: string): ReceiptBatch {
  const { link, consumer, receipts } = JSON.parse(text) as {
    link: string;
    consumer: string;
    receipts: [string, Receipt['outcome'], number, (number | null)?][];
  };
  return {
    link,
    consumer,
    receipts: receipts.map(([eventId, outcome, epoch, version]) => ({
      eventId,
      outcome,
      epoch: BigInt(epoch),
      ...versionIn(version),
    })),
  };
}
