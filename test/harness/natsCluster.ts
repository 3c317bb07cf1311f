/** A cluster of nats-servers for one test, for what a lone one does not do. */
import type { NatsServer } from '../../dev/servers/nats.ts';
import { clusterNodes, urlOfNodes } from '../../dev/servers/natsCluster.ts';
import { testNats } from './nats.ts';
import type { Owner } from './owner.ts';

export interface NatsCluster {
  /** By the name that JetStream calls it, for example as the leader of a stream. */
  readonly servers: ReadonlyMap<string, NatsServer>;
  /** Of all of them, for clients. */
  readonly url: string;
}

/** Ready when all know each other and have chosen who leads them. */
export async function testNatsCluster(t: Owner): Promise<NatsCluster> {
  const nodes = await clusterNodes();
  const started = await Promise.all(
    nodes.map(async ({ name, config }) => [name, await testNats(t, config)] as const),
  );
  const servers = new Map(started);
  return { servers, url: urlOfNodes([...servers.values()]) };
}
