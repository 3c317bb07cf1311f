import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connectNats } from '../../runtime/nats.ts';
import { until } from '../../test/harness/until.ts';
import { freePorts } from '../ports.ts';
import { makeRunDir } from './folders.ts';
import { findNatsServer } from './natsBinary.ts';
import { startNatsCluster, urlOfNodes } from './natsCluster.ts';

test('a cluster keeps three replicas of a stream, also when all of it starts again', async (t) => {
  const dir = await makeRunDir('test-nats-cluster');
  t.after(() => rm(dir, { recursive: true, force: true }));
  const binary = await findNatsServer({ say: () => undefined });
  const [port, monitorPort] = (await freePorts(2)) as [number, number];
  const withCluster = async <T>(work: (url: string) => Promise<T>): Promise<T> => {
    const servers = await startNatsCluster({ dir, port, monitorPort, binary });
    assert.deepEqual([servers[0]!.port, servers[0]!.monitorPort], [port, monitorPort]);
    try {
      return await work(urlOfNodes(servers));
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  };
  await withCluster((url) =>
    useManager(url, async (manager) => {
      // A leader of a cluster that has just begun does not answer every request.
      const add = () => manager.streams.add({ name: 'KEPT', subjects: ['kept'], num_replicas: 3 });
      await until(add, { what: 'the stream is made' });
    }),
  );
  await withCluster((url) =>
    useManager(url, async (manager) => {
      const led = async () => {
        const info = await manager.streams.info('KEPT');
        return info.cluster?.leader ? info : undefined;
      };
      const { config, cluster } = (await until(led, { what: 'the stream has a leader' }))!;
      assert.equal(config.num_replicas, 3);
      assert.deepEqual(
        [cluster?.leader, ...(cluster?.replicas ?? []).map(({ name }) => name)].sort(),
        ['relink-1', 'relink-2', 'relink-3'],
      );
    }),
  );
});

type Manager = Awaited<ReturnType<typeof jetstreamManager>>;

async function useManager(url: string, work: (manager: Manager) => Promise<void>): Promise<void> {
  const { connection, close } = await connectNats(url, { name: 'cluster-test' });
  try {
    await work(await jetstreamManager(connection));
  } finally {
    await close();
  }
}
