/**
 * A consumer was down for days: millions of open rows of its leg wait. The producer that starts then
 * dispatches at once, in bounded memory, and its other legs are as quick as before.
 */
import { test } from 'node:test';
import { MemoryWatch } from '../../bench/memory.ts';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { legOf } from '../../link/link.ts';
import { createRpcClient } from '../../rpc/client.ts';
import { pause } from '../../runtime/wake.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';
import { CALM } from '../rigs/processes/clients.ts';
import { Fleet } from '../rigs/processes/fleet.ts';
import { Figures, sized } from './figures.ts';
import { fillOpen } from './filled.ts';

import { p99, steadily } from './steady.ts';

const LINK = 'COMM-010';
const OPEN = sized(5_000_000, 50_000);
const TRAFFIC = { perSecond: 50, count: sized(2_000, 200) };
const DRAINED = sized(200_000, 10_000);
const FEW = 100;
const LATER_MS = 5_000;
/** Two medians of the same differ by some tenths on a machine that does other things. */
const SLOWER_AT_MOST = 1.5;
const MEMORY_MB = 250;
const PATIENCE_MS = 20 * 60_000;

test(`a producer starts with ${OPEN} open rows of a consumer that was down`, async (t) => {
  const figures = new Figures(t);
  const elsewhere = ['assessments', 'hiring'];
  const company = await InProcessCompany.start(t, { link: LINK, transport: 'async', elsewhere });
  const leg = legOf(LINK, 'hiring');
  const address = company.addresses.get('assessments')!;
  const participant = createRpcClient(LinkParticipant, [address], CALM);
  const assessments = createRpcClient(AssessmentsService, [address], CALM);
  t.after(() => {
    participant.close();
    assessments.close();
  });

  /** Registers managers, and answers how long the other leg took for each, at the median, and callers. */
  const live = async () => {
    const beganMs = performance.now();
    const requests = await steadily(TRAFFIC, () =>
      assessments.registerManager({ firstName: 'Ada', lastName: 'Lovelace' }),
    );
    await pause(1_000);
    const recentMs = Math.round(performance.now() - beganMs);
    const progress = await participant.getProgress({ link: LINK, consumer: 'bonuses', recentMs });
    return { leg: progress.latencyP50Ms, legP99: progress.latencyP99Ms, caller: p99(requests) };
  };

  /** Starts the producer; answers how long its first message took from then to the stream, too. */
  const start = async () => {
    await company.emptyStream();
    const startedAtMs = performance.now();
    const starting = Fleet.start(t, company, { replicas: { assessments: 1 } });
    starting.catch(() => undefined); // awaited below
    await until(async () => (await company.countStored()) > 0, {
      ...{ what: 'the first message is in the stream', everyMs: 20, withinMs: PATIENCE_MS },
    });
    return { firstMs: performance.now() - startedAtMs, fleet: await starting };
  };

  await company.writeMany(FEW, someKeys(FEW));
  const quick = await start();
  await live(); // warms up
  const before = await live();
  await quick.fleet.stop();

  await fillOpen(company.producer, { link: company.link, consumer: 'hiring' }, OPEN);
  const { firstMs, fleet } = await start();
  figures.note(`backlog, first dispatch after start with ${FEW} open rows`, quick.firstMs, 'ms');
  figures.note('backlog, first dispatch after start', firstMs, 'ms');
  figures.note('backlog, first dispatch, later than with few', firstMs - quick.firstMs, 'ms', {
    atMost: LATER_MS,
  });
  const memory = new MemoryWatch(fleet.program('assessments-1').pid);
  t.after(() => memory.stop());

  await live(); // warms up
  const beside = await live();
  figures.note('backlog, other leg: p50 before', before.leg, 'ms');
  figures.note('backlog, other leg: p99 before', before.legP99, 'ms');
  figures.note('backlog, other leg: p99', beside.legP99, 'ms');
  figures.note('backlog, callers: p99 before', before.caller, 'ms');
  figures.note('backlog, callers: p99', beside.caller, 'ms');
  figures.note('backlog, other leg: p50 ÷ before', beside.leg / before.leg, '', {
    atMost: SLOWER_AT_MOST,
  });
  figures.note('backlog, memory while the consumer is down', memory.take(), 'MB', {
    atMost: MEMORY_MB,
  });

  await Fleet.start(t, company, { replicas: { hiring: 1 } });
  const closed = async () => {
    const [row] = await company.producer<{ closed: number }[]>`
      select coalesce(sum(count), 0)::int as closed from relink.closed where leg = ${leg}`;
    return row!.closed;
  };
  const [already, drainsAtMs] = [await closed(), performance.now()];
  await until(async () => (await closed()) >= already + DRAINED, {
    ...{ what: 'a part of the backlog is drained', withinMs: PATIENCE_MS, everyMs: 50 },
  });
  const perSecond = DRAINED / ((performance.now() - drainsAtMs) / 1_000);
  figures.note('backlog, drained', perSecond, 'events/s');
  figures.note('backlog, memory while it drains', memory.take(), 'MB', { atMost: MEMORY_MB });
  await memory.stop();
  figures.judge();
});
