/**
 * The processes behind the addresses of a service. A name may stand for several, such as that of a
 * service in compose, or of a headless one in Kubernetes: then each address it has is a process of its
 * own, and scaling or a restart changes them.
 */
import { lookup as ask } from 'node:dns/promises';
import { isIP } from 'node:net';
import { joinAddress, splitAddress } from '../runtime/address.ts';
import { type Repeater, repeat } from '../runtime/wake.ts';

const LOOK_EVERY_MS = 1_000;

/** The IP addresses that a name has now. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/** Lookups that are under way: each takes one of the four threads that files and keys need, too. */
const pending = new Map<string, Promise<readonly string[]>>();

function askOnce(host: string): Promise<readonly string[]> {
  const known = pending.get(host);
  if (known) return known;
  const asked = ask(host, { all: true })
    .then((all) => all.map(({ address }) => address))
    .finally(() => pending.delete(host));
  pending.set(host, asked);
  return asked;
}

export interface ReplicasOptions {
  /** Called with all addresses when they are others than before. */
  readonly onChange: (addresses: readonly string[]) => void;
  readonly lookup?: Lookup | undefined;
}

export class Replicas {
  readonly #given: readonly string[];
  readonly #options: ReplicasOptions;
  readonly #found = new Map<string, readonly string[]>();
  readonly #repeater: Repeater | undefined;
  #known: readonly string[];

  /** `given` are host:port; names among them are asked for every second until `stop`. */
  constructor(given: readonly string[], options: ReplicasOptions) {
    this.#given = given;
    this.#known = [...new Set(given)];
    this.#options = options;
    if (!given.some(isNamed)) return;
    this.#repeater = repeat(
      LOOK_EVERY_MS,
      () => this.look(),
      () => undefined,
    );
  }

  /** A name that has no address yet stands for itself. */
  get addresses(): readonly string[] {
    return this.#known;
  }

  /** Asks for all names now. One that has no answer keeps what it had. */
  async look(): Promise<void> {
    await Promise.allSettled(this.#given.filter(isNamed).map((one) => this.#lookFor(one)));
    const now = [...new Set(this.#given.flatMap((one) => this.#found.get(one) ?? one))].sort();
    if (now.join() === this.#known.toSorted().join()) return;
    this.#known = now;
    this.#options.onChange(now);
  }

  async #lookFor(address: string): Promise<void> {
    const { host, port } = splitAddress(address)!;
    const found = processesOf(await (this.#options.lookup ?? askOnce)(host));
    this.#found.set(address, found?.map((one) => joinAddress(one, port)) ?? [address]);
  }

  stop(): void {
    void this.#repeater?.stop();
  }
}

function isNamed(address: string): boolean {
  const host = splitAddress(address)?.host;
  return host !== undefined && isIP(host) === 0;
}

/** One address of each family is one process that has both: gRPC finds out which of them works. */
function processesOf(all: readonly string[]): readonly string[] | undefined {
  const [four, six] = [4, 6].map((family) => all.filter((one) => isIP(one) === family));
  if (four!.length === 1 && six!.length === 1) return undefined;
  return four!.length > 0 ? four : six;
}
