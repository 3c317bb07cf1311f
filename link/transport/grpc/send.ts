/** Dispatches by calling the consumer's typed method; the response is the receipt. */

import type { Receipt as ReceiptMessage } from '../../../gen/relink/v1/receipt_pb.ts';
import { createRpcClient, RpcCallError } from '../../../rpc/client.ts';
import { messageOf } from '../../../runtime/errors.ts';
import type { LinkDefinition } from '../../link.ts';
import { contractOf } from '../../versions.ts';
import { encodeHeaderValue, METADATA } from '../../wire/headers.ts';
import { outcomeFromWire } from '../../wire/outcome.ts';
import { otherHashedVersion, type Parcel, textOf } from '../../wire/parcel.ts';
import { versionIn } from '../../wire/receipt.ts';
import { type Dispatcher, type DispatchResult, failed } from '../dispatcher.ts';
import { methodName, pushRequest } from './pushMethod.ts';

/** Longer than a handler's own limit (10 s), so that its dead letter is reported. */
const CALL_DEADLINE_MS = 12_000;

type Push = (
  request: unknown,
  options: { metadata: Record<string, string>; deadlineMs: number },
) => Promise<ReceiptMessage>;

export class GrpcDispatcher implements Dispatcher {
  readonly #link: LinkDefinition;
  readonly #consumer: string;
  readonly #source: string;
  readonly #push: Push;
  readonly close: () => void;

  /** `addresses` are the replicas of the consumer; `source` is the producing service. */
  constructor(link: LinkDefinition, consumer: string, source: string, addresses: string[]) {
    this.#link = link;
    this.#consumer = consumer;
    this.#source = source;
    const method = link.consumers[consumer]!.push;
    const client = createRpcClient(method.parent, addresses);
    this.#push = (client as unknown as Record<string, Push>)[method.localName]!;
    this.close = () => client.close();
  }

  dispatch(parcels: readonly Parcel[]): Promise<DispatchResult[]> {
    return Promise.all(parcels.map((parcel) => this.#call(parcel)));
  }

  async #call(parcel: Parcel): Promise<DispatchResult> {
    const { row, version } = parcel;
    const method = this.#link.consumers[this.#consumer]!.push;
    try {
      const contract = contractOf(this.#link, row.event, version)!;
      const event = JSON.parse(textOf(this.#link, parcel));
      const receipt = await this.#push(pushRequest(method, contract, event), {
        metadata: this.#metadataOf(parcel),
        deadlineMs: CALL_DEADLINE_MS,
      });
      const outcome = outcomeFromWire(receipt.outcome);
      if (!outcome) return failed(`${methodName(method)} returned no known outcome`);
      const { epoch, retryAfterMs, detail, contractVersion } = receipt;
      const read = { eventId: row.eventId, outcome, epoch, retryAfterMs, detail };
      return { kind: 'receipt', receipt: { ...read, ...versionIn(contractVersion) } };
    } catch (error) {
      if (error instanceof RpcCallError) return failed(`${error.code}: ${error.message}`);
      return failed(messageOf(error));
    }
  }

  #metadataOf(parcel: Parcel): Record<string, string> {
    const { row, to, shadow, copied } = parcel;
    const metadata: Record<string, string> = {
      [METADATA.link]: this.#link.id,
      [METADATA.eventId]: row.eventId,
      [METADATA.key]: encodeHeaderValue(row.key),
      [METADATA.version]: String(row.version),
      [METADATA.epoch]: String(to[0]?.epoch ?? 1n),
      [METADATA.source]: this.#source,
    };
    const hashed = otherHashedVersion(this.#link, parcel);
    if (hashed !== undefined) metadata[METADATA.hashedVersion] = String(hashed);
    if (shadow.length > 0) metadata[METADATA.shadow] = '1';
    if (copied.length > 0) metadata[METADATA.copied] = '1';
    if (row.traceparent) metadata[METADATA.traceparent] = row.traceparent;
    return metadata;
  }
}
