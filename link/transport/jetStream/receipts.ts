/**
 * Receipts of `async` messages: after its commit the consumer reports outcomes in batches over core
 * NATS. A batch may be lost; nothing depends on it, because the relay asks for missing receipts
 * with `GetReceipts`.
 *
 * Subject `relink.receipts.<producer>`; the body is JSON:
 * `{"link":"COMM-010","consumer":"hiring","receipts":[["<event id>","applied",5,0], …]}`: event id,
 * outcome, epoch, the contract version whose text was hashed, and why it is tried again.
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
/** Bytes of a receipt in the body without its detail, and of what is around them: more than any takes. */
const RECEIPT_BYTES = 100;
/** Of a detail: enough to say what is wrong, and so little that many fit. */
const DETAIL_CHARACTERS = 300;
const AROUND_BYTES = 200;

export function receiptSubject(producer: string): string {
  return `relink.receipts.${producer}`;
}

/**
 * Sends the receipts of a batch. Of messages that are tried again the producer counts the failed try;
 * of those that the fence refused it learns which epoch it must reach.
 */
export function sendReceipts(nats: NatsConnection, producer: string, batch: ReceiptBatch): void {
  const written = batch.receipts.map(writeReceipt);
  const perMessage = receiptsPerMessage(nats, written);
  for (let i = 0; i < written.length; i += perMessage) {
    const receipts = written.slice(i, i + perMessage);
    const body = JSON.stringify({ link: batch.link, consumer: batch.consumer, receipts });
    nats.publish(receiptSubject(producer), body);
  }
}

export type WrittenReceipt = [string, Receipt['outcome'], number, (number | null)?, string?];

/** Only what is tried again says why: an older producer reads no further than the version. */
export function writeReceipt(receipt: Receipt): WrittenReceipt {
  const { eventId, outcome, epoch, version, detail } = receipt;
  const written: WrittenReceipt = [eventId, outcome, Number(epoch), version ?? null];
  if (outcome === 'retry' && detail) written.push(detail.slice(0, DETAIL_CHARACTERS));
  return written;
}

/** As many as the server's `max_payload` has room for. */
function receiptsPerMessage(nats: NatsConnection, written: readonly WrittenReceipt[]): number {
  const room = (nats.info?.max_payload ?? Number.POSITIVE_INFINITY) - AROUND_BYTES;
  const longest = Math.max(0, ...written.map(([, , , , detail = '']) => bytesOf(detail)));
  const fitting = Math.floor(room / (RECEIPT_BYTES + longest));
  return Math.max(1, Math.min(RECEIPTS_PER_MESSAGE, fitting));
}

/** In JSON, where a character may take more. */
function bytesOf(detail: string): number {
  return Buffer.byteLength(JSON.stringify(detail));
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
    receipts: WrittenReceipt[];
  };
  return { link, consumer, receipts: receipts.map(readReceipt) };
}

export function readReceipt(written: WrittenReceipt): Receipt {
  const [eventId, outcome, epoch, version, detail] = written;
  const read = { eventId, outcome, epoch: BigInt(epoch), ...versionIn(version) };
  return detail ? { ...read, detail } : read;
}
