/** Asks consumers for receipts and raises their fences, through any of their replicas. */
import { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { createRpcClient, type RpcClient } from '../../rpc/client.ts';
import type { AskReceipts, RaiseFence } from '../relay/linkRelay.ts';
import { outcomeFromWire } from '../wire/outcome.ts';
import { type Receipt, versionIn } from '../wire/receipt.ts';

const DEADLINE_MS = 5_000;

export class ReceiptAsker {
  readonly #peers: Readonly<Record<string, readonly string[]>>;
  readonly #clients = new Map<string, RpcClient<typeof LinkParticipant>>();

  constructor(peers: Readonly<Record<string, readonly string[]>>) {
    this.#peers = peers;
  }

  /** The participant API of a service. */
  clientOf(service: string): RpcClient<typeof LinkParticipant> {
    let client = this.#clients.get(service);
    if (!client) {
      client = createRpcClient(LinkParticipant, [...(this.#peers[service] ?? [])], {
        deadlineMs: DEADLINE_MS,
      });
      this.#clients.set(service, client);
    }
    return client;
  }

  askerOf(link: string): AskReceipts {
    return async (consumer, eventIds) => {
      const request = { link, eventIds: [...eventIds] };
      const answer = await this.clientOf(consumer).getReceipts(request, { retryUnavailable: true });
      const receipts = answer.receipts.flatMap((receipt): Receipt[] => {
        const outcome = outcomeFromWire(receipt.outcome);
        const { eventId, epoch, contractVersion } = receipt;
        return outcome ? [{ eventId, outcome, epoch, ...versionIn(contractVersion) }] : [];
      });
      return { receipts, isStreamIdle: answer.streamIdle };
    };
  }

  fencerOf(link: string): RaiseFence {
    return async (consumer, lane, minEpoch) => {
      const request = { link, lanes: [lane], minEpoch };
      await this.clientOf(consumer).raiseFence(request, { retryUnavailable: true });
    };
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}
