/** What an engine does for a link: provides its stream, changes its routes. */
import { jetstreamManager } from '@nats-io/jetstream';
import { LinkError } from '../../../link/errors.ts';
import { type LinkDefinition, legOf, type Transport } from '../../../link/link.ts';
import { changeRoute, readRoutes } from '../../../link/relay/routes.ts';
import {
  ensureConsumer,
  ensureStream,
  type StreamDemand,
} from '../../../link/transport/jetStream/provision.ts';
import { connectNats } from '../../../runtime/nats.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { until } from '../../harness/until.ts';

/** After a kill, leases and acknowledgements expire first. */
const ADOPTED_LIMIT_MS = 120_000;

/** What the prepare step does: the stream and the durable consumers of each link. */
export async function provision(
  natsUrl: string,
  links: readonly LinkDefinition[],
  demand: StreamDemand = {},
): Promise<void> {
  const { connection, close } = await connectNats(natsUrl, { name: 'provision' });
  try {
    const manager = await jetstreamManager(connection);
    for (const { id, consumers } of links) {
      await ensureStream(manager, id, demand);
      for (const consumer of Object.keys(consumers)) await ensureConsumer(manager, id, consumer);
    }
  } finally {
    await close();
  }
}

export interface Flip {
  readonly link: LinkDefinition;
  readonly consumer: string;
  readonly lanes: readonly number[];
  readonly transport: Transport;
  readonly hold: boolean;
  /** The contract version; that of the start unless given. */
  readonly version?: number;
}

/** Gives lanes of a leg a new route; waits while a change is pending there. Answers its epoch. */
export async function flipRoute(producer: Database, flip: Flip): Promise<bigint> {
  const { link, consumer, lanes, version = link.starts.version } = flip;
  return until(
    async () => {
      const routes = await readRoutes(producer, legOf(link.id, consumer));
      const epochs = routes.filter((one) => lanes.includes(one.lane)).map((one) => one.epoch);
      const expectedEpoch = epochs.sort((a, b) => Number(a - b)).at(-1)!;
      return changeRoute(producer, { ...flip, version, expectedEpoch }).catch((error: unknown) => {
        if (error instanceof LinkError && error.code.startsWith('ROUTE_')) return undefined;
        throw error;
      });
    },
    { withinMs: ADOPTED_LIMIT_MS, what: `${consumer} takes a new route` },
  ) as Promise<bigint>;
}

/** Waits until the owner of each lane dispatches by the lane's newest route. */
export async function waitUntilAdopted(producer: Database, leg: string): Promise<void> {
  await until(
    async () => {
      const routes = await readRoutes(producer, leg);
      const pending = routes.filter((one) => one.epoch > one.adopted.epoch);
      if (pending.length === 0) return true;
      throw new Error(`lanes ${pending.map((one) => one.lane)} are pending`);
    },
    { withinMs: ADOPTED_LIMIT_MS, what: `lanes of ${leg} adopt their routes` },
  );
}
