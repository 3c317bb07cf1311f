/**
 * The connections of a client: channels to each replica of a service, one of them picked for each
 * call.
 */
import { type ChannelInterface, Client, connectivityState, credentials } from '@grpc/grpc-js';
import { type Lookup, Replicas } from './replicas.ts';

const KEEPALIVE_EVERY_MS = 20_000; // a half-open connection is found in at most 25 s
const KEEPALIVE_LIMIT_MS = 5_000;
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 2_000; // grpc-js goes up to 120 s: a restarted service would go unnoticed

const CHANNEL_OPTIONS = {
  'grpc.keepalive_time_ms': KEEPALIVE_EVERY_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_LIMIT_MS,
  'grpc.initial_reconnect_backoff_ms': RECONNECT_MIN_MS,
  'grpc.max_reconnect_backoff_ms': RECONNECT_MAX_MS,
  'grpc.enable_retries': 0, // callers decide what may be repeated
  'grpc.enable_http_proxy': 0, // services talk to each other directly, whatever http_proxy says
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_channelz': 0,
  'grpc.use_local_subchannel_pool': 1, // otherwise channels to one address share a connection
};

export interface PickedChannel {
  address: string;
  client: Client;
  channel: ChannelInterface;
}

const NONE: ReadonlySet<string> = new Set();

/** A replica that is gone from the name of its service may still answer the calls that it has. */
const CLOSE_AFTER_MS = 30_000;

/** Channels to all replicas of a service. */
export class Channels {
  readonly #perAddress: number;
  readonly #replicas: Replicas;
  readonly #gone = new Map<Client, NodeJS.Timeout>();
  #all: PickedChannel[] = [];
  #next = 0;

  /**
   * `perAddress` connections to each address: more than one pays off above about 64 calls at once.
   */
  constructor(addresses: string[], perAddress: number, lookup?: Lookup) {
    if (addresses.length === 0) throw new RangeError('a client needs at least one address');
    this.#perAddress = perAddress;
    this.#replicas = new Replicas(addresses, { lookup, onChange: () => this.#follow() });
    this.#follow();
  }

  /** How many there are now. */
  get replicas(): number {
    return this.#replicas.addresses.length;
  }

  #follow(): void {
    const { addresses } = this.#replicas;
    for (const { client } of this.#all.filter(({ address }) => !addresses.includes(address)))
      this.#gone.set(client, setTimeout(() => this.#close(client), CLOSE_AFTER_MS).unref());
    const kept = Map.groupBy(this.#all, ({ address }) => address);
    // Replicas alternate, so that consecutive calls go to different ones.
    this.#all = Array.from({ length: this.#perAddress }).flatMap((_, at) =>
      addresses.map((address) => kept.get(address)?.[at] ?? open(address)),
    );
  }

  #close(client: Client): void {
    clearTimeout(this.#gone.get(client));
    this.#gone.delete(client);
    client.close();
  }

  /**
   * The next channel in turn whose address was not tried; one that cannot connect now only when
   * none of the others can.
   */
  pick(tried: ReadonlySet<string> = NONE): PickedChannel {
    const first = this.#next % this.#all.length;
    let lastResort = first;
    for (let step = 0; step < this.#all.length; step += 1) {
      const at = (first + step) % this.#all.length;
      const { address, channel } = this.#all[at]!;
      if (tried.has(address)) continue;
      const state = channel.getConnectivityState(false);
      if (state !== connectivityState.TRANSIENT_FAILURE) return this.#take(at);
      if (tried.has(this.#all[lastResort]!.address)) lastResort = at;
    }
    return this.#take(lastResort);
  }

  #take(at: number): PickedChannel {
    this.#next = (at + 1) % this.#all.length;
    return this.#all[at]!;
  }

  close(): void {
    this.#replicas.stop();
    for (const client of [...this.#gone.keys(), ...this.#all.map((one) => one.client)])
      this.#close(client);
  }
}

function open(address: string): PickedChannel {
  const client = new Client(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  return { address, client, channel: client.getChannel() };
}
