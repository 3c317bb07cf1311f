/** A producer whose database went back behind its consumer's fences: a run moves its lanes above them, once. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ALL_LANES } from '../../link/link.ts';
import { moveLanes } from '../../migration/leg/lanes.ts';
import { describeStrays } from '../../migration/leg/strays.ts';
import { transportToWire } from '../../migration/participants.ts';
import { numbered } from '../../migration/plans/transport.ts';
import { routeAll } from '../../migration/steps/route.ts';
import { openAlone, type Played, playService } from '../rigs/oneStep.ts';

const TO = { transport: 'async', version: 0 } as const;
const step = numbered('4', 'Move', routeAll);

async function open(t: Parameters<typeof openAlone>[0], { isAway = false } = {}) {
  const asked: { aboveEpoch: bigint; fence: bigint }[] = [];
  const route = { transport: transportToWire('async'), epoch: 3n, adoptedEpoch: 3n };
  const assessments: Played = {
    getRoutes: async () => ({ lanes: ALL_LANES.map((lane) => ({ lane, ...route })), epoch: 3n }),
    changeRoute: async ({ aboveEpoch, fence }) => {
      asked.push({ aboveEpoch, fence });
      return { epoch: aboveEpoch + 1n };
    },
  };
  const hiring: Played = {
    getFences: async () => ({ lanes: [{ lane: 4, minEpoch: 5n }] }),
    getInboxDigest: async () => ({ lanes: [{ lane: 7, epoch: 6n }] }),
  };
  const services = {
    assessments: [await playService(t, assessments)],
    hiring: [isAway ? '127.0.0.1:1' : await playService(t, hiring)],
  };
  const alone = await openAlone(t, { step, consumers: ['hiring'], services });
  return { alone, asked };
}

it('lanes behind a fence get an epoch above all that the consumer and the certificates know', async (t) => {
  const { alone, asked } = await open(t);
  await alone.sql`insert into migration.certificates
    (id, kind, run_id, link, consumer, epoch, count, statement, signature, public_key)
    values (gen_random_uuid(), 'closing', ${alone.runId}, 'COMM-010', 'hiring', 9, 0, '{}', '', '')`;
  await moveLanes(await alone.enter(), 'forward', ALL_LANES, TO);
  assert.deepEqual(asked, [{ aboveEpoch: 9n, fence: 5n }]);
});

it('lanes that are behind none keep the epoch that they have', async (t) => {
  const { alone, asked } = await open(t);
  await moveLanes(await alone.enter(), 'forward', [0, 1], TO);
  assert.deepEqual(asked, [{ aboveEpoch: 6n, fence: 0n }]);
});

it('going back needs no answer of a consumer that may be the broken one', async (t) => {
  const { alone, asked } = await open(t, { isAway: true });
  const context = await alone.enterBack();
  const back = { ...context, run: { ...context.run, direction: 'back' as const } };
  await moveLanes(back, 'back', ALL_LANES, TO);
  assert.deepEqual(asked, [{ aboveEpoch: 0n, fence: 0n }]);
});

it('a run whose way back was given up by complete does not offer it', async (t) => {
  const { alone } = await open(t);
  const { run } = await alone.enter();
  assert.match(describeStrays(run, ['lane 0']), /relink resume .*relink rollback/);
  const completed = { ...run, memory: { completed: true } };
  assert.match(describeStrays(completed, ['lane 0']), /relink resume \S+ moves them again$/);
});
