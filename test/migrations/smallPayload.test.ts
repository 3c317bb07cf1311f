/** The first step of a run says what would keep messages from flowing once they go by the stream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preflight } from '../../migration/steps/preflight.ts';
import { openAlone, playService } from '../rigs/oneStep.ts';

test('the preflight names a NATS server that does not take every message', async (t) => {
  const describing = (natsMaxPayload: bigint) =>
    playService(t, { describe: async () => ({ natsMaxPayload, neededPayload: 528_384n }) });
  const services = {
    assessments: [await describing(65_536n)],
    hiring: [await describing(1_048_576n)],
  };
  const step = { ...preflight, number: '0', title: 'Preflight' };
  const alone = await openAlone(t, { step, consumers: ['hiring'], services });
  await assert.rejects(async () => preflight.apply(await alone.enter()), /no JetStream/);
  const seen = (await alone.journal.evidence(alone.runId)).filter(({ what }) =>
    /payload/.test(what),
  );
  assert.deepEqual(
    seen.map(({ what, value }) => [what, value]),
    [
      [
        "max_payload of assessments's NATS server",
        '65536 bytes: larger messages wait; 528384 fit every message',
      ],
    ],
  );
});
