/** Links while a service that may produce some gives no answer. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { LinkKind } from '../gen/relink/v1/participant_pb.ts';
import { Participants } from '../migration/participants.ts';
import { findLink } from '../migration/run/starting.ts';
import { playService } from '../test/rigs/oneStep.ts';
import { listLinks } from './links.ts';
import { UnroutedWatch } from './unrouted.ts';

const answering = await playService(
  { after },
  {
    describe: async () => ({
      produces: [{ id: 'COMM-010', kind: LinkKind.FORMAL, producer: 'assessments' }],
    }),
  },
);
/** Nobody listens on port 1. */
const participants = new Participants({ assessments: [answering], hiring: ['127.0.0.1:1'] });
after(() => participants.close());

test('the list names services that gave no answer, and why', async () => {
  const { links, unanswered } = await listLinks({
    participants,
    manager: () => Promise.reject(new Error('the test has no JetStream')),
    liveRuns: async () => [],
    unrouted: new UnroutedWatch(participants),
    missingOf: () => 0,
    contractAlarms: () => [],
  });
  assert.deepEqual(
    links.map(({ id }) => id),
    ['COMM-010'],
  );
  assert.deepEqual(
    unanswered.map(({ service }) => service),
    ['hiring'],
  );
  assert.match(unanswered[0]!.why, /Describe at 127\.0\.0\.1:1: UNAVAILABLE/);
});

test('a link is not unknown while a service that may produce it gives no answer', async () => {
  const topology = await participants.topology();
  assert.equal(findLink(topology, 'COMM-010').producer.id, 'COMM-010');
  assert.throws(() => findLink(topology, 'COMM-040'), {
    code: 'PARTICIPANT_AWAY',
    message: /these do not answer: hiring/,
  });
});
