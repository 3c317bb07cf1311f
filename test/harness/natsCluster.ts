/** Three nats-servers that form a cluster, for what a lone one does not do: replicas, another leader. */
import { freePorts } from '../../dev/ports.ts';
import type { NatsServer } from '../../dev/servers/nats.ts';
import { testNats } from './nats.ts';
import type { Owner } from './owner.ts';

const SIZE = 3;

export interface NatsCluster {
  /** By the name that JetStream calls it, for example as the leader of a stream. */
  readonly servers: ReadonlyMap<string, NatsServer>;
  /** Of all of them, for clients. */
  readonly url: string;
}

/** Ready when all three know each other and have chosen who leads them. */
export async function testNatsCluster(t: Owner): Promise<NatsCluster> {
  const ports = await freePorts(SIZE);
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  const started = await Promise.all(
    ports.map(async (port, i) => {
      const name = `relink-${i + 1}`;
      const cluster = `cluster { name: relink, listen: "127.0.0.1:${port}", routes: [${routes}] }`;
      return [name, await testNats(t, `server_name: ${name}\n${cluster}\n`)] as const;
    }),
  );
  const servers = new Map(started);
  const addresses = [...servers.values()].map(({ port }) => `127.0.0.1:${port}`);
  return { servers, url: `nats://${addresses.join(',')}` };
}
