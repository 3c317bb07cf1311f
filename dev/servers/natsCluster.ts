/** Three nats-servers that form a cluster: replicas, and another leader when one of them dies. */
import { join } from 'node:path';
import { joinAddress } from '../../runtime/address.ts';
import { freePorts } from '../ports.ts';
import { cleanUpAll } from './errors.ts';
import { type NatsOptions, type NatsServer, startNats } from './nats.ts';

/** JetStream needs a majority: with three, one may be away. */
export const CLUSTER_SIZE = 3;

export interface NatsNode {
  /** As JetStream calls it, for example as the leader of a stream. */
  readonly name: string;
  readonly config: string;
}

const NAMES = Array.from({ length: CLUSTER_SIZE }, (_, i) => `relink-${i + 1}`);

/** Where `startNatsCluster` has the store of each node. */
export const clusterFolders = (dir: string) => NAMES.map((name) => join(dir, name));

/** The configurations of nodes that know each other. */
export async function clusterNodes(host = '127.0.0.1'): Promise<NatsNode[]> {
  const listen = (await freePorts(CLUSTER_SIZE, host)).map((port) => joinAddress(host, port));
  const routes = listen.map((address) => `nats://${address}`).join(', ');
  return NAMES.map((name, i) => {
    const cluster = `cluster { name: relink, listen: "${listen[i]}", routes: [${routes}] }`;
    return { name, config: `server_name: ${name}\n${cluster}\n` };
  });
}

const SCHEME = 'nats://';

/** Of all of them, for clients. */
export function urlOfNodes(servers: readonly NatsServer[]): string {
  const addresses = servers.map(({ url }) => url.slice(SCHEME.length));
  return `${SCHEME}${addresses.join(',')}`;
}

/**
 * Starts a cluster whose first node has the given ports and whose others choose theirs, each with a
 * store of its own in `dir`. Ready when all know each other and have chosen who leads them.
 */
export async function startNatsCluster(
  options: Omit<NatsOptions, 'config'>,
): Promise<NatsServer[]> {
  const nodes = await clusterNodes(options.host);
  const folders = clusterFolders(options.dir);
  const starts = nodes.map(({ config }, i) =>
    startNats({
      ...options,
      dir: folders[i]!,
      ...(i === 0 ? {} : { port: 0, monitorPort: 0 }),
      config,
    }),
  );
  const settled = await Promise.allSettled(starts);
  const servers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (servers.length < nodes.length) {
    await cleanUpAll(
      'nodes of a cluster that did not start',
      servers.map((one) => () => one.stop()),
    );
    await Promise.all(starts);
  }
  return servers;
}
