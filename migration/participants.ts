/**
 * The services as the engine sees them: clients of `relink.v1.LinkParticipant`. It knows only their
 * addresses; which links exist it learns from what they describe.
 */
import {
  type DescribeResponse,
  type LinkDescription,
  LinkParticipant,
} from '../gen/relink/v1/participant_pb.ts';
import { Transport as Wire } from '../gen/relink/v1/route_pb.ts';
import type { Transport } from '../link/link.ts';
import { createRpcClient, RpcCallError, type RpcClient } from '../rpc/client.ts';
import { type Lookup, Replicas } from '../rpc/replicas.ts';
import { messageOf } from '../runtime/errors.ts';
import { MigrationError } from './errors.ts';

/** Longer than a probe takes when nothing arrives. */
const DEADLINE_MS = 8_000;
/** A replica that does not say what it is within this time counts as down. */
const DESCRIBE_DEADLINE_MS = 2_000;

export type ParticipantClient = RpcClient<typeof LinkParticipant>;

/** One replica of a service and how it described itself. */
export interface DescribedReplica {
  readonly address: string;
  readonly description: DescribeResponse | undefined;
}

/** A link as its producer and its consumers describe it. */
export interface DescribedLink {
  readonly producer: LinkDescription;
  /** Only consumers that answered. */
  readonly consumers: ReadonlyMap<string, LinkDescription>;
}

/** A service that gave no answer, and how the call failed. */
export interface Unanswered {
  readonly service: string;
  readonly why: string;
}

export interface Topology {
  /** Every link whose producer answered. */
  readonly links: ReadonlyMap<string, DescribedLink>;
  readonly unanswered: readonly Unanswered[];
}

export interface AnswersOfAll<T> {
  /** By the name of the service. */
  readonly answers: ReadonlyMap<string, T>;
  readonly unanswered: readonly Unanswered[];
}

interface Service {
  readonly any: ParticipantClient;
  /** One client per process that is known now, by its address. */
  readonly each: ReadonlyMap<string, ParticipantClient>;
  /** Learns now which processes the names of the service stand for. */
  look(): Promise<void>;
  close(): void;
}

const open = (addresses: readonly string[]) =>
  createRpcClient(LinkParticipant, [...addresses], { deadlineMs: DEADLINE_MS });

class AddressedService implements Service {
  readonly any: ParticipantClient;
  readonly #replicas: Replicas;
  #each = new Map<string, ParticipantClient>();

  constructor(addresses: readonly string[], lookup: Lookup | undefined) {
    this.any = createRpcClient(LinkParticipant, [...addresses], {
      deadlineMs: DEADLINE_MS,
      lookup,
    });
    this.#replicas = new Replicas(addresses, { lookup, onChange: () => this.#follow() });
    this.#follow();
  }

  get each(): ReadonlyMap<string, ParticipantClient> {
    return this.#each;
  }

  look(): Promise<void> {
    return this.#replicas.look();
  }

  #follow(): void {
    const { addresses } = this.#replicas;
    for (const [address, client] of this.#each) if (!addresses.includes(address)) client.close();
    this.#each = new Map(addresses.map((one) => [one, this.#each.get(one) ?? open([one])]));
  }

  close(): void {
    this.#replicas.stop();
    for (const client of [this.any, ...this.#each.values()]) client.close();
  }
}

/** Every replica of every service of the peers; connects at the first call. */
export class Participants {
  #services: ReadonlyMap<string, Service>;

  constructor(peers: Readonly<Record<string, readonly string[]>>, lookup?: Lookup) {
    this.#services = new Map(
      Object.entries(peers).map(([name, addresses]) => [
        name,
        new AddressedService(addresses, lookup),
      ]),
    );
  }

  /**
   * The same services for a caller that may lose the right to call them: `guard` runs before each call
   * and refuses it by throwing.
   */
  guarded(guard: () => void): Participants {
    const guarded = new Participants({});
    guarded.#services = new Map(
      [...this.#services].map(([name, service]) => [name, guardService(service, guard)]),
    );
    return guarded;
  }

  get services(): readonly string[] {
    return [...this.#services.keys()];
  }

  /**
   * Any replica, for what is in the service's database.
   * @throws MigrationError PARTICIPANT_AWAY for a service without a known address
   */
  of(service: string): ParticipantClient {
    return this.#service(service).any;
  }

  /** Each replica, for what only the process itself knows. */
  each(service: string): readonly ParticipantClient[] {
    return [...this.#service(service).each.values()];
  }

  #service(name: string): Service {
    const service = this.#services.get(name);
    if (service) return service;
    throw new MigrationError(
      'PARTICIPANT_AWAY',
      `no address of the service ${name} is known; add one to RELINK_PEERS`,
    );
  }

  /**
   * All replicas of a service; those that do not answer have no description. A process that was just
   * started may be reached only at the second try: `retryUnavailable` tries for as long as it may take.
   */
  async replicas(
    service: string,
    { retryUnavailable = false }: { readonly retryUnavailable?: boolean } = {},
  ): Promise<DescribedReplica[]> {
    const known = this.#service(service);
    await known.look();
    return Promise.all(
      [...known.each].map(async ([address, client]) => ({
        address,
        description: await client
          .describe({}, { deadlineMs: DESCRIBE_DEADLINE_MS, retryUnavailable })
          .catch(absentIfUnreachable),
      })),
    );
  }

  /**
   * Asks every service, any replica of each.
   * @throws RpcCallError when one refuses
   */
  async askAll<T>(ask: (client: ParticipantClient) => Promise<T>): Promise<AnswersOfAll<T>> {
    const answers = new Map<string, T>();
    const unanswered: Unanswered[] = [];
    const calls = this.services.map(async (service) => {
      try {
        answers.set(service, await ask(this.of(service)));
      } catch (error) {
        absentIfUnreachable(error);
        unanswered.push({ service, why: messageOf(error) });
      }
    });
    await Promise.all(calls);
    return { answers, unanswered };
  }

  async topology(): Promise<Topology> {
    const options = { deadlineMs: DESCRIBE_DEADLINE_MS, retryUnavailable: true };
    const { answers: services, unanswered } = await this.askAll((one) => one.describe({}, options));
    const links = new Map<string, DescribedLink>();
    for (const { produces } of services.values())
      for (const producer of produces) {
        const consumers = new Map<string, LinkDescription>();
        for (const name of producer.consumers) {
          const consumed = services.get(name)?.consumes.find(({ id }) => id === producer.id);
          if (consumed) consumers.set(name, consumed);
        }
        links.set(producer.id, { producer, consumers });
      }
    return { links, unanswered };
  }

  /** One link of the topology; undefined when nobody who answers has it. */
  async link(id: string): Promise<DescribedLink | undefined> {
    return (await this.topology()).links.get(id);
  }

  close(): void {
    for (const service of this.#services.values()) service.close();
  }
}

function guardService(service: Service, guard: () => void): Service {
  const { any } = service;
  return {
    any: guardClient(any, guard),
    get each() {
      return new Map([...service.each].map(([at, one]) => [at, guardClient(one, guard)]));
    },
    look: () => service.look(),
    // Whose clients they are closes them.
    close: () => undefined,
  };
}

function guardClient(client: ParticipantClient, guard: () => void): ParticipantClient {
  const calls = LinkParticipant.methods.map(({ localName }) => {
    const call = client[localName as keyof ParticipantClient] as (...args: never[]) => unknown;
    const guarded = async (...args: never[]) => {
      guard();
      return call(...args);
    };
    return [localName, guarded];
  });
  return { ...client, ...Object.fromEntries(calls) };
}

/** The engine may repeat its calls: every change is idempotent or a compare-and-set. */
export const REPEATABLE = { retryUnavailable: true } as const;

/**
 * The answers of a service's processes, without those that do not answer, as during a restart.
 * @throws RpcCallError when none answers, or one refuses
 */
export async function askEach<T>(
  clients: readonly ParticipantClient[],
  ask: (client: ParticipantClient) => Promise<T>,
): Promise<T[]> {
  const all = await Promise.allSettled(clients.map(ask));
  const answers = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failures = all.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  for (const failure of failures) absentIfUnreachable(failure);
  if (answers.length === 0 && failures.length > 0) throw failures[0];
  return answers;
}

function absentIfUnreachable(error: unknown): undefined {
  if (error instanceof RpcCallError && error.outcome === 'unknown') return undefined;
  throw error;
}

const WIRE: Record<Transport, Wire> = { sync: Wire.SYNC, async: Wire.ASYNC, pull: Wire.PULL };

export function transportToWire(transport: Transport): Wire {
  return WIRE[transport];
}

/** `undefined` for unspecified. */
export function transportFromWire(wire: Wire): Transport | undefined {
  return (Object.keys(WIRE) as Transport[]).find((name) => WIRE[name] === wire);
}
