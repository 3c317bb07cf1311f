/** The first step of a run refuses a consumer that forgets sooner than its messages may come. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { ensureStream } from '../../link/transport/jetStream/provision.ts';
import { requireHorizon } from '../../migration/leg/horizon.ts';
import { preflight } from '../../migration/steps/preflight.ts';
import { connectNats } from '../../runtime/nats.ts';
import { testNats } from '../harness/nats.ts';
import { noStreams, openAlone, playService } from '../rigs/oneStep.ts';

const DAY_MS = 86_400_000;

interface Days {
  readonly horizon: number;
  readonly history?: number;
  readonly oldestOpen?: number;
  readonly stream?: number;
}

async function judge(t: TestContext, days: Days, settings: Record<string, string> = {}) {
  const { horizon, history = 0, oldestOpen = 0, stream = 1 } = days;
  const { url } = await testNats(t);
  const nats = await connectNats(url, { name: 'horizon' });
  t.after(() => nats.close());
  const manager = await jetstreamManager(nats.connection);
  await ensureStream(manager, 'COMM-010');
  await manager.streams.update('COMM-010', { max_age: stream * DAY_MS * 1_000_000 });
  const services = {
    assessments: [
      await playService(t, {
        describe: async () => ({ historyDays: history, horizonDays: 1 }),
        getProgress: async () => ({ oldestOpenMs: BigInt(oldestOpen * DAY_MS) }),
        getClosed: async () => ({}),
      }),
    ],
    hiring: [await playService(t, { describe: async () => ({ horizonDays: horizon }) })],
  };
  const step = { ...preflight, number: '0', title: 'Preflight' };
  const streams = { ...noStreams, manager: async () => manager };
  const alone = await openAlone(t, { step, consumers: ['hiring'], services, settings, streams });
  return requireHorizon(await alone.enter(), 'hiring');
}

test('a horizon that outlasts everything passes, and so does a build that forgets nothing', async (t) => {
  await judge(t, { horizon: 7, history: 7, stream: 7, oldestOpen: 6 });
  await judge(t, { horizon: 0, history: 7 });
});

test('what outlasts it is named with both numbers: stream, history, open message, settings', async (t) => {
  await assert.rejects(judge(t, { horizon: 2, stream: 5 }), {
    message:
      'the horizon of hiring is too short: it remembers what it settled for 2 days, and stream ' +
      'COMM-010 keeps messages for 5 days: what comes after the horizon is not applied; start it ' +
      'with RELINK_HORIZON_DAYS=5 or more',
  });
  await assert.rejects(
    judge(t, { horizon: 2, history: 7 }),
    /for 2 days, and assessments keeps settled messages, to send them again, for 7 days/,
  );
  await assert.rejects(
    judge(t, { horizon: 2, oldestOpen: 3 }),
    /for 2 days, and the oldest open message has waited for 3 days/,
  );
  await assert.rejects(
    judge(t, { horizon: 2 }, { soak_seconds: '345600' }),
    /for 2 days, and this run may wait, by its settings, for 4 days/,
  );
});
