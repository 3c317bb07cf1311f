/**
 * A nats-server of its own for every test (file).
 *
 * Streams are named literally (`COMM-010`), so two test files cannot share a server without an
 * account each. Measured: a server with JetStream starts in 11 ms and takes 15 MB, so each test has
 * one, may stop, freeze or empty it, and no account has to be handed out or cleaned.
 */

import { rm } from 'node:fs/promises';
import { cleanUpAll } from '../../dev/servers/errors.ts';
import { makeRunDir } from '../../dev/servers/folders.ts';
import { type NatsServer, startNats } from '../../dev/servers/nats.ts';
import { findNatsServer, type NatsBinary } from '../../dev/servers/natsBinary.ts';
import { refuseOpenConnections } from './leaks.ts';
import type { Owner } from './owner.ts';
import { releaseAfter } from './releases.ts';

let binary: Promise<NatsBinary> | undefined;

/** A server with an empty store and this configuration; after the test it must have no client left, and is removed. */
export async function testNats(t: Owner, config = ''): Promise<NatsServer> {
  binary ??= findNatsServer({ say: () => undefined });
  const dir = await makeRunDir('test-nats');
  const server = await startNats({ dir, binary: await binary, config });
  releaseAfter(t, 'nats-server', () =>
    cleanUpAll('nats-server of the test', [
      () => refuseOpenConnections(server),
      () => server.stop(),
      () => rm(dir, { recursive: true, force: true }),
    ]),
  );
  return server;
}
