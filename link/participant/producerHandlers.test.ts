import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transport } from '../../gen/relink/v1/route_pb.ts';
import type { RpcContext } from '../../rpc/handlers.ts';
import { links } from '../../services/links.ts';
import { releasedAs } from '../release.ts';
import { producerHandlers } from './producerHandlers.ts';

const older = releasedAs(links['COMM-020'], { reads: 0, writes: 0 });
const { probe } = producerHandlers({ produced: [links['COMM-010'], older] } as never);

test('a probe by a route that the link cannot have is refused by name', async () => {
  const refused = async (link: string, transport: Transport, version: number, message: RegExp) => {
    const request = { link, consumer: 'hiring', transport, version } as never;
    const asking = async () => probe(request, {} as RpcContext);
    await assert.rejects(asking, { code: 'NOT_MOVABLE', message });
  };
  await refused('COMM-010', Transport.ASYNC, 9, /COMM-010 has no contract version 9/);
  await refused('COMM-010', Transport.PULL, 1, /COMM-010 can be moved to sync, async, not to pull/);
  await refused('COMM-020', Transport.SYNC, 1, /this build of assessments does not read v1 yet/);
});
