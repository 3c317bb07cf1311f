/** A run records which way was chosen, of which; and what is left of the old one, by name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JetStreamApiError } from '@nats-io/jetstream';
import { Transport } from '../../gen/relink/v1/route_pb.ts';
import { retireEndpoint } from '../../migration/steps/endpoint.ts';
import { preflight } from '../../migration/steps/preflight.ts';
import type { Owner } from '../harness/owner.ts';
import { openAlone, playService } from '../rigs/oneStep.ts';

const METHOD = 'hiring.v1.HiringLinks/PutManager';

async function open(t: Owner, transports: Transport[], step: typeof preflight) {
  const produced = {
    ...{ id: 'COMM-010', producer: 'assessments', consumers: ['hiring'] },
    ...{ transports, methods: { hiring: METHOD } },
  };
  const describing = { describe: async () => ({ produces: [produced] }) };
  const services = {
    assessments: [await playService(t, describing)],
    hiring: [await playService(t, { describe: async () => ({}) })],
  };
  const noStream = new JetStreamApiError({ code: 404, err_code: 10_059, description: 'no stream' });
  const info = () => Promise.reject(noStream);
  const manager = { getAccountInfo: async () => ({ streams: 0 }), streams: { info } };
  const streams = { manager: async () => manager } as never;
  const numbered = { ...step, number: '1', title: 'Step' };
  return openAlone(t, { step: numbered, consumers: ['hiring'], services, streams });
}

for (const [others, transports, rest] of [
  [
    'the other one',
    [Transport.SYNC, Transport.ASYNC, Transport.PULL],
    'pull: the consumer asks the owner',
  ],
  ['that there is no other', [Transport.SYNC, Transport.ASYNC], 'COMM-010 has no other'],
] as const)
  test(`the first step records the chosen way, by whom, and ${others}`, async (t) => {
    const alone = await open(t, [...transports], preflight);
    // What it measures after that, these services do not answer.
    await assert.rejects(async () => preflight.apply(await alone.enter()), /plays no such call/);
    const evidence = await alone.journal.evidence(alone.runId);
    assert.deepEqual(
      evidence.filter(({ what }) => /way/.test(what)).map(({ what, value }) => [what, value]),
      [
        ['chosen way', 'async: the producer publishes events; by test'],
        ['ways not chosen', rest],
      ],
    );
  });

test('an endpoint that is no longer called is recorded with its method and its metric', async (t) => {
  const alone = await open(t, [Transport.SYNC, Transport.ASYNC], retireEndpoint);
  await retireEndpoint.apply(await alone.enter());
  const evidence = await alone.journal.evidence(alone.runId);
  const metric = 'relink_rpc_server_seconds{service="hiring.v1.HiringLinks",method="PutManager"}';
  assert.deepEqual(
    evidence.map(({ what, value }) => [what, value]),
    [
      ['endpoint of hiring', `${METHOD} is no longer called by COMM-010; it stays for a move back`],
      ['dashboards of hiring', `${metric} gets no more samples`],
    ],
  );
});
