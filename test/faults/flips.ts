/**
 * Routes flip between sync and async at random lanes under continuous writers, held and not, while
 * processes of the producer and of a consumer are killed and frozen at random. Used by the short test
 * of every run and by the long one.
 */
import type { TestContext } from 'node:test';
import { legOf, type Transport } from '../../link/link.ts';
import { readRoutes } from '../../link/relay/routes.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';
import { Fleet } from '../rigs/processes/fleet.ts';
import { type Random, randomFrom } from '../rigs/random.ts';

export interface FlipsOptions {
  readonly flips: number;
  readonly seed: number;
  /** One process is killed or frozen every so many flips. */
  readonly faultEvery: number;
}

const LINK = 'COMM-010';
const KEYS = 48;
const MAX_LANES_AT_ONCE = 8;
/** Share of flips that wait for what is in flight; the others dispatch it again. */
const HELD = 0.7;
/** Short, and long enough to lose the leases. */
const FROZEN_FOR_FLIPS_MAX = 12;
const WRITE_EVERY_MS = 10;
/** Some lanes of a leg must become free for the next flip: after a kill, leases and acks expire. */
const NEXT_FLIP_LIMIT_MS = 120_000;
/**
 * A process frozen inside a transaction holds its row locks until PostgreSQL ends its session after a
 * minute; flips that wait for these rows would wait for the thaw that waits for flips.
 */
const FROZEN_WITHOUT_FLIPS_MS = 8_000;

export async function runFlips(t: TestContext, options: FlipsOptions): Promise<void> {
  const { seed, flips, faultEvery } = options;
  t.diagnostic(`seed ${seed}: repeat with RELINK_TEST_SEED=${seed}`);
  const random = randomFrom(seed);
  const company = await InProcessCompany.start(t, {
    link: LINK,
    elsewhere: ['assessments', 'hiring'],
  });
  const fleet = await Fleet.start(t, company, { replicas: { assessments: 2, hiring: 2 } });
  const chaos = new Chaos(fleet, random);
  const writing = company.writeContinuously(someKeys(KEYS), 4, WRITE_EVERY_MS);
  try {
    for (let flip = 1; flip <= flips; flip++) {
      await flipSome(company, random, chaos);
      if (flip % faultEvery === 0) chaos.strike();
      chaos.flipped();
    }
  } finally {
    await writing.stop();
  }
  await chaos.end();
  for (const consumer of company.consumers) await company.waitUntilAdopted(consumer);
  await company.oracle();
  t.diagnostic(`${flips} flips, ${chaos.kills} kills, ${chaos.freezes} freezes: nothing lost`);
}

/** Flips lanes of a leg that have no change pending to the transport they do not have. */
async function flipSome(company: InProcessCompany, random: Random, chaos: Chaos): Promise<void> {
  const consumer = random.pick(company.consumers);
  const leg = legOf(LINK, consumer);
  const [seedLane, hold] = [random.next(), random.chance(HELD)];
  const thawAtMs = performance.now() + FROZEN_WITHOUT_FLIPS_MS;
  const choice = await until<Choice | undefined>(
    async () => {
      if (performance.now() > thawAtMs) chaos.thawAll();
      const routes = await readRoutes(company.producer, leg);
      const free = routes.filter((one) => one.epoch === one.adopted.epoch);
      if (free.length === 0) return undefined;
      const first = free[Math.floor(seedLane * free.length)]!;
      const alike = free.filter((one) => one.transport === first.transport);
      return { transport: first.transport, lanes: alike.map((one) => one.lane) };
    },
    { withinMs: NEXT_FLIP_LIMIT_MS, what: `a lane of ${leg} is free, ${chaos}` },
  );
  const lanes = random.some(choice!.lanes, MAX_LANES_AT_ONCE);
  await company.flip(consumer, lanes, choice!.transport === 'sync' ? 'async' : 'sync', hold);
}

interface Choice {
  readonly transport: Transport;
  readonly lanes: readonly number[];
}

/** Strikes processes, at most one of each service at a time, so that the system can go on. */
class Chaos {
  readonly #fleet: Fleet;
  readonly #random: Random;
  readonly #struck = new Map<string, Promise<void>>();
  readonly #thaws = new Map<string, number>();
  kills = 0;
  freezes = 0;

  constructor(fleet: Fleet, random: Random) {
    this.#fleet = fleet;
    this.#random = random;
  }

  strike(): void {
    const [isKill, name] = [this.#random.chance(0.5), this.#random.pick(this.#fleet.names)];
    const service = name.split('-')[0]!;
    if (this.#struck.has(service)) return;
    if (isKill) this.#kill(service, name);
    else this.#freeze(service, name);
  }

  #kill(service: string, name: string): void {
    this.kills += 1;
    const restarted = this.#fleet.killAndRestart(name).finally(() => this.#struck.delete(service));
    restarted.catch(() => {}); // `end` awaits it and reports
    this.#struck.set(service, restarted);
  }

  #freeze(service: string, name: string): void {
    this.freezes += 1;
    this.#fleet.freeze(name);
    this.#thaws.set(name, 1 + this.#random.below(FROZEN_FOR_FLIPS_MAX));
    this.#struck.set(service, Promise.resolve());
  }

  /** Thaws what was frozen for long enough. */
  flipped(): void {
    for (const [name, flips] of this.#thaws) {
      if (flips > 0) this.#thaws.set(name, flips - 1);
      else this.#thaw(name);
    }
  }

  #thaw(name: string): void {
    this.#fleet.thaw(name);
    this.#thaws.delete(name);
    this.#struck.delete(name.split('-')[0]!);
  }

  thawAll(): void {
    for (const name of [...this.#thaws.keys()]) this.#thaw(name);
  }

  toString(): string {
    return `frozen: ${[...this.#thaws.keys()]}, struck: ${[...this.#struck.keys()]}`;
  }

  async end(): Promise<void> {
    this.thawAll();
    await Promise.all(this.#struck.values());
  }
}
