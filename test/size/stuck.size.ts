/** One key hangs, one row is locked, one lane is held: all other keys go on as before. */
import { test } from 'node:test';
import { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import type { FormalHandler, Handler } from '../../link/inbox/handler.ts';
import { ALL_LANES, laneOf } from '../../link/link.ts';
import { createRpcClient } from '../../rpc/client.ts';
import { pause } from '../../runtime/wake.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';
import { CALM } from '../rigs/processes/clients.ts';
import { Figures, sized } from './figures.ts';
import { steadily } from './steady.ts';

const LINK = 'COMM-010';
const CONSUMER = 'hiring';
const TRAFFIC = { perSecond: 40, count: sized(2_000, 400) };
const KEYS = 200;
const SLOWER_AT_MOST = 2;
const WAIT = { withinMs: 120_000 };

for (const transport of ['sync', 'async'] as const)
  test(`a hanging key, a locked row and a held lane hold up no other key on ${transport}`, async (t) => {
    const figures = new Figures(t);
    const hang = Promise.withResolvers<void>();
    const [hanging, locked, ...keys] = someKeys(KEYS) as [string, string];
    const company = await InProcessCompany.start(t, {
      link: LINK,
      transport,
      // What is on its way hangs alone where each message is a call of its own.
      wrap: (handler, consumer) =>
        consumer === CONSUMER && transport === 'sync' ? hangingOn(handler, hanging, hang) : handler,
    });
    t.after(() => hang.resolve());
    const participant = createRpcClient(
      LinkParticipant,
      [company.addresses.get('assessments')!],
      CALM,
    );
    t.after(() => participant.close());
    const hiring = company.sqlOf.get(CONSUMER)!;
    const stuck = new Set([hanging, locked].map(laneOf));
    const lanes = ALL_LANES.filter((lane) => !stuck.has(lane));
    const others = keys.filter((key) => !stuck.has(laneOf(key)));

    /** Writes to the other keys; answers the p99 from their enqueueing to their receipts. */
    const live = async () => {
      const beganMs = performance.now();
      await steadily(TRAFFIC, (nth) => company.write(others[nth % others.length]));
      await pause(2_000);
      const recentMs = Math.round(performance.now() - beganMs);
      const request = { link: LINK, consumer: CONSUMER, lanes, recentMs };
      return (await participant.getProgress(request)).latencyP99Ms;
    };

    await company.write(locked);
    await live(); // warms up
    const before = await live();

    const unlocked = Promise.withResolvers<void>();
    const holding = hiring.begin(async (tx) => {
      await until(
        async () => (await tx`select from manager_replicas where id = ${locked} for update`).length,
        { what: 'its row is there', ...WAIT },
      );
      await unlocked.promise;
    });
    for (let n = 0; n < 20; n += 1) {
      await company.write(locked);
      if (transport === 'sync') await company.write(hanging);
    }
    // Held: what is in flight of these two keys cannot be closed.
    await company.flip(CONSUMER, [...stuck], transport === 'sync' ? 'async' : 'sync', true);
    const beside = await live();
    figures.note(`stuck, ${transport}: p99 of other keys before`, before, 'ms');
    figures.note(`stuck, ${transport}: p99 of other keys`, beside, 'ms');
    figures.note(`stuck, ${transport}: ÷ before`, beside / before, '', { atMost: SLOWER_AT_MOST });

    unlocked.resolve();
    hang.resolve();
    await holding;
    await until(async () => (await company.countOpen()) === 0, {
      what: 'all is delivered',
      ...WAIT,
    });
    await company.oracle();
    figures.judge();
  });

/** Waits for the promise before it applies a change of the key. */
function hangingOn(handler: Handler, key: string, hang: PromiseWithResolvers<void>): Handler {
  const formal = handler as FormalHandler;
  const apply: FormalHandler['apply'] = async (tx, changes) => {
    if (changes.some((change) => change.key === key)) await hang.promise;
    return formal.apply(tx, changes);
  };
  return { ...formal, apply };
}
