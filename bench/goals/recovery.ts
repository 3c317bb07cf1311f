/** How long messages stand still after the death of a relay, and after a restart of the broker. */
import { sendHint } from '../../link/hints.ts';
import { enqueue } from '../../link/outbox/enqueue.ts';
import { pause } from '../../runtime/wake.ts';
import { type BenchContext, type Benchmark, mustBe, scaled } from '../benchmark.ts';
import { benchLink, newMessage } from '../events.ts';
import type { Effects } from '../handlers.ts';
import { createHiringDatabase, type HiringReady, startHiring } from '../hiring.ts';
import { machineMs } from '../measure.ts';
import { type Producer, startProducer, startRelay, untilClosed } from '../producer.ts';
import type { Remote } from '../remote.ts';
import { type Goal, type Ratio, ratioOf } from '../report.ts';

const PER_SECOND = 100;
/** Traffic before and after the fault: the relays have shared their lanes, and the pause is over. */
const BEFORE_MS = 1_500;
const AFTER_MS = 3_000;
const LEAST_MS = 500;
/** With fewer the middle says nothing, and each needs processes of its own. */
const MAX_ROUNDS = 5;

const link = benchLink('async');

const goalOf = (name: string, limitMs: number, note: string): Goal & { limitMs: number } => ({
  name,
  unit: 'ms',
  goal: 1,
  bound: 'at most',
  limitMs,
  note: `ours: ${note} · against: the goal itself`,
});

const KILLED = goalOf(
  'pause after SIGKILL of a relay ÷ 0.5 s',
  500,
  'the longest wait from a commit to its effect around the death of one of two relays',
);
const RESTARTED = goalOf(
  "pause after a broker's restart ÷ 2 s",
  2_000,
  'the longest wait of what was committed once the broker answered again',
);

interface Sides {
  readonly producer: Producer;
  readonly remote: Remote<HiringReady, Effects>;
}

/** When each message was committed, by its id. */
type Committed = Map<string, number>;

/** Commits at a steady rate until it is stopped. */
function commitSteadily({ producer: { sql, nats } }: Sides): { stop(): Promise<Committed> } {
  const stopping = new AbortController();
  const committed: Committed = new Map();
  const running = (async () => {
    while (await pause(1_000 / PER_SECOND, stopping.signal)) {
      const [row] = await sql.begin((tx) => enqueue(tx, link, [newMessage()]));
      committed.set(row!.eventId, machineMs());
      sendHint(nats, 'wake', link.producer);
    }
    return committed;
  })();
  return {
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}

/** The longest wait of what was committed from then on, when `fault` has happened under traffic. */
async function longestWait(
  context: BenchContext,
  sides: Sides,
  closedBefore: number,
  fault: () => Promise<number>,
): Promise<{ waitMs: number; count: number }> {
  await sides.remote.take();
  const traffic = commitSteadily(sides);
  await pause(scaled(BEFORE_MS, context, LEAST_MS));
  const fromMs = await fault();
  await pause(scaled(AFTER_MS, context, LEAST_MS));
  const committed = await traffic.stop();
  await untilClosed(sides.producer.sql, closedBefore + committed.size);
  const effects = new Map(await sides.remote.take());
  mustBe('effects', [...committed.keys()].filter((id) => effects.has(id)).length, committed.size);
  const counted = [...committed].filter(([, atMs]) => atMs >= fromMs);
  const waits = counted.map(([id, atMs]) => effects.get(id)! - atMs);
  return { waitMs: Math.max(1, ...waits), count: committed.size };
}

/** Rounds of one fault. */
async function measure(
  { rounds }: BenchContext,
  goal: Goal & { limitMs: number },
  round: (closedBefore: number) => Promise<{ waitMs: number; count: number }>,
  closed: { count: number },
): Promise<Ratio> {
  const ours: number[] = [];
  for (let nth = 0; nth < Math.min(rounds, MAX_ROUNDS); nth += 1) {
    const { waitMs, count } = await round(closed.count);
    closed.count += count;
    ours.push(waitMs);
  }
  return ratioOf(goal, { ours, against: ours.map(() => goal.limitMs) });
}

export const recovery: Benchmark = {
  name: 'recovery',
  run: async (context) => {
    const { servers } = context;
    const producer = await startProducer(servers, link);
    const hiring = await createHiringDatabase(servers);
    const remote = await startHiring(servers, hiring, 'formal');
    const sides: Sides = { producer, remote };
    const start = () => startRelay(servers, producer, remote.ready.address);
    const relays = [await start(), await start()];
    const killOne = async () => {
      const fromMs = machineMs() - 1_000;
      await relays.shift()!.kill();
      return fromMs;
    };
    try {
      const closed = { count: 0 };
      const ratios = [
        await measure(
          context,
          KILLED,
          async (before) => {
            const result = await longestWait(context, sides, before, killOne);
            relays.push(await start());
            return result;
          },
          closed,
        ),
      ];
      const { restartNats } = servers;
      if (!restartNats) return ratios;
      const restart = async () => {
        await restartNats();
        return machineMs();
      };
      ratios.push(
        await measure(context, RESTARTED, (n) => longestWait(context, sides, n, restart), closed),
      );
      return ratios;
    } finally {
      for (const relay of relays) await relay.stop();
      await remote.stop();
      await hiring.stop();
      await producer.stop();
    }
  },
};
