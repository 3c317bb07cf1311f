/**
 * Clients of other services' APIs: for queries, and for a decision that only the owner of the data can
 * write, which must be safe to repeat. What others are to learn travels by a link.
 */
import type { DescService } from '@bufbuild/protobuf';
import { createRpcClient, type RpcClient } from 'relink/rpc';

export class Clients {
  readonly #peers: Readonly<Record<string, readonly string[]>>;
  readonly #clients = new Map<DescService, { close(): void }>();

  /** `peers`: host:port of every service's replicas. */
  constructor(peers: Readonly<Record<string, readonly string[]>>) {
    this.#peers = peers;
  }

  /** A client of the service's API, made when first asked for. Throws when its address is not configured. */
  of<S extends DescService>(service: S, name: string): RpcClient<S> {
    const known = this.#clients.get(service);
    if (known) return known as RpcClient<S>;
    const addresses = this.#peers[name];
    if (!addresses?.length) throw new Error(`no address of ${name}; add it to RELINK_PEERS`);
    const client = createRpcClient(service, [...addresses]);
    this.#clients.set(service, client);
    return client;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}
