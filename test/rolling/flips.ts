/** Flips routes of every link that may be moved between calls and events, while a test goes on. */
import { LinkError } from '../../link/errors.ts';
import { type LinkDefinition, legOf } from '../../link/link.ts';
import { changeRoute, readRoutes } from '../../link/relay/routes.ts';
import { pause } from '../../runtime/wake.ts';
import type { InProcessCompany } from '../rigs/inProcess/company.ts';
import { waitUntilAdopted } from '../rigs/inProcess/routes.ts';
import type { Random } from '../rigs/random.ts';

const FLIP_EVERY_MS = 100;
const LANES_AT_ONCE_MAX = 8;
/** Share of flips that wait for what is in flight; the others dispatch it again. */
const HELD = 0.7;

export class Flips {
  readonly #company: InProcessCompany;
  readonly #random: Random;
  readonly #movable: readonly LinkDefinition[];
  readonly #running: Promise<void>;
  #isStopped = false;
  count = 0;

  constructor(company: InProcessCompany, random: Random) {
    this.#company = company;
    this.#random = random;
    this.#movable = Object.values(company.links).filter(({ transports }) =>
      ['sync', 'async'].every((one) => transports.some((transport) => transport === one)),
    );
    this.#running = this.#run();
  }

  /** Returns when every lane has adopted its newest route. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    for (const { id, producer, consumers } of this.#movable)
      for (const consumer of Object.keys(consumers))
        await waitUntilAdopted(this.#company.sqlOf.get(producer)!, legOf(id, consumer));
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      if (await this.#flip(this.#random.pick(this.#movable))) this.count += 1;
      await pause(FLIP_EVERY_MS);
    }
  }

  /** Flips lanes without a pending change that have the same transport, to the other one. */
  async #flip(link: LinkDefinition): Promise<boolean> {
    const random = this.#random;
    const consumer = random.pick(Object.keys(link.consumers));
    const producer = this.#company.sqlOf.get(link.producer)!;
    const routes = await readRoutes(producer, legOf(link.id, consumer));
    const free = routes.filter((one) => one.epoch === one.adopted.epoch);
    if (free.length === 0) return false;
    const { transport } = random.pick(free);
    const alike = free.filter((one) => one.transport === transport);
    const chosen = random.some(alike, LANES_AT_ONCE_MAX);
    const epochs = chosen.map((one) => one.epoch).sort((a, b) => Number(a - b));
    try {
      await changeRoute(producer, {
        link,
        consumer,
        lanes: chosen.map((one) => one.lane),
        transport: transport === 'sync' ? 'async' : 'sync',
        version: link.starts.version,
        expectedEpoch: epochs.at(-1)!,
        hold: random.chance(HELD),
      });
      return true;
    } catch (error) {
      if (error instanceof LinkError && error.code.startsWith('ROUTE_')) return false;
      throw error;
    }
  }
}
