/**
 * Whether a consumer remembers long enough what it settled: longer than anything by which a message may
 * come late or again. What comes after that is refused (days.ts), so a horizon that is too short loses
 * nothing, but leaves to people what would have been settled by itself.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import { type Repeater, repeat } from '../../runtime/wake.ts';
import type { LinkDefinition } from '../link.ts';
import { readMaxAgeMs } from '../transport/jetStream/provision.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Streams are changed by hand, and seldom. */
const EVERY_MS = 60_000;

/** Something by which a message may come late or again. */
export interface Lateness {
  /** In words that go before "for 2 days", such as `stream COMM-010 keeps messages`. */
  readonly what: string;
  readonly forMs: number;
}

/** What is wrong with the horizon, with both numbers; empty when it is long enough. */
export function describeShortHorizon(horizonDays: number, late: readonly Lateness[]): string {
  const longest = late.toSorted((a, b) => b.forMs - a.forMs)[0];
  if (!longest || longest.forMs <= horizonDays * DAY_MS) return '';
  const needed = Math.ceil(longest.forMs / DAY_MS);
  return (
    `it remembers what it settled for ${inDays(horizonDays)}, and ${longest.what} for ` +
    `${inDays(longest.forMs / DAY_MS)}: what comes after the horizon is not applied; ` +
    `start it with RELINK_HORIZON_DAYS=${needed} or more`
  );
}

function inDays(days: number): string {
  const rounded = Math.round(days * 10) / 10;
  return `${rounded} ${rounded === 1 ? 'day' : 'days'}`;
}

/** How long the streams of these links keep messages; one without a limit has no number to compare. */
export async function readStreamAges(
  manager: JetStreamManager,
  links: readonly string[],
): Promise<Lateness[]> {
  const ages = await Promise.all(links.map((link) => readMaxAgeMs(manager, link)));
  return links.flatMap((link, i) =>
    ages[i] ? [{ what: `stream ${link} keeps messages`, forMs: ages[i] }] : [],
  );
}

export interface HorizonOptions {
  readonly horizonDays: number;
  readonly consumed: readonly LinkDefinition[];
  readonly manager: () => Promise<JetStreamManager>;
}

/** Looks at the streams from time to time; what it found last holds while the broker is away. */
export class Horizon {
  readonly name = 'horizon';
  readonly #options: HorizonOptions;
  #problem = '';
  #repeater: Repeater | undefined;

  constructor(options: HorizonOptions) {
    this.#options = options;
  }

  start(): void {
    this.#repeater ??= repeat(
      EVERY_MS,
      () => this.look(),
      () => undefined,
    );
  }

  async stop(): Promise<void> {
    await this.#repeater?.stop();
  }

  async look(): Promise<void> {
    const { horizonDays, consumed, manager } = this.#options;
    const links = consumed.filter(({ transports }) => transports.includes('async'));
    const ages = await readStreamAges(
      await manager(),
      links.map(({ id }) => id),
    );
    this.#problem = describeShortHorizon(horizonDays, ages);
  }

  /** @throws Error that names both numbers, and what to do */
  requireLongEnough(): void {
    if (this.#problem) throw new Error(this.#problem);
  }
}
