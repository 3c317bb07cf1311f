/**
 * Asks consumers for receipts and raises their fences, through any of their replicas: by gRPC, and for
 * receipts over NATS while a consumer does not answer by gRPC.
 */
import { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { createRpcClient, type RpcClient } from '../../rpc/client.ts';
import { isServiceUnavailable } from '../../rpc/transient.ts';
import type { NatsConnection } from '../../runtime/nats.ts';
import type { AskReceipts, RaiseFence } from '../relay/linkRelay.ts';
import { askOverNats } from '../transport/jetStream/asking.ts';
import { outcomeFromWire } from '../wire/outcome.ts';
import { type Receipt, versionIn } from '../wire/receipt.ts';

const DEADLINE_MS = 5_000;
/** After gRPC failed, NATS is asked first for this long: each attempt may take the whole deadline. */
const AVOID_GRPC_MS = 30_000;

export class ReceiptAsker {
  readonly #peers: Readonly<Record<string, readonly string[]>>;
  readonly #clients = new Map<string, RpcClient<typeof LinkParticipant>>();

  readonly #nats: NatsConnection;
  readonly #avoidGrpcUntilMs = new Map<string, number>();

  constructor(peers: Readonly<Record<string, readonly string[]>>, nats: NatsConnection) {
    this.#peers = peers;
    this.#nats = nats;
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
      const overNats = () => askOverNats(this.#nats, { link, consumer }, eventIds, DEADLINE_MS);
      const overGrpc = () => this.#askOverGrpc(link, consumer, eventIds);
      const isAvoided = performance.now() < (this.#avoidGrpcUntilMs.get(consumer) ?? 0);
      if (isAvoided) return overNats().catch(overGrpc);
      try {
        return await overGrpc();
      } catch (error) {
        if (!isServiceUnavailable(error)) throw error;
        const answer = await overNats().catch(() => undefined);
        if (!answer) throw error;
        this.#avoidGrpcUntilMs.set(consumer, performance.now() + AVOID_GRPC_MS);
        return answer;
      }
    };
  }

  async #askOverGrpc(link: string, consumer: string, eventIds: readonly string[]) {
    const request = { link, eventIds: [...eventIds] };
    const answer = await this.clientOf(consumer).getReceipts(request, { retryUnavailable: true });
    const receipts = answer.receipts.flatMap((receipt): Receipt[] => {
      const outcome = outcomeFromWire(receipt.outcome);
      const { eventId, epoch, contractVersion } = receipt;
      return outcome ? [{ eventId, outcome, epoch, ...versionIn(contractVersion) }] : [];
    });
    return { receipts };
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
