/** The course of a demo: seed, traffic, one migration after another, then compare the databases. */
import { pause } from '../runtime/wake.ts';
import type { DemoContext } from './context.ts';
import type { Migration } from './migrations/migration.ts';
import { moveAll } from './migrations/moveAll.ts';
import { allMoves } from './migrations/moves.ts';
import type { DemoOptions } from './options.ts';
import { countOpen } from './oracle/linkTables.ts';
import { databasesOf, type Judgement, judge } from './oracle/oracle.ts';
import { buildReport, type DemoReport } from './report/report.ts';
import { perSecond } from './traffic/rate.ts';
import { seedCompany } from './traffic/seed.ts';
import { Traffic } from './traffic/traffic.ts';
import type { Stage } from './view/progress.ts';
import { refreshView } from './view/refresh.ts';
import { formatLatency } from './view/screen.ts';

/** How long messages in flight may take to arrive after the traffic stops. */
const SETTLE_LIMIT_MS = 30_000;
const SETTLE_POLL_MS = 100;
/**
 * A message may cause another one at its consumer, but no further one. Since the outboxes are read
 * one after another, a message in flight can be missed once, never twice.
 */
const EMPTY_SWEEPS = 2;
/**
 * Seeding measures what the machine carries at most. Live traffic stays below that: above it,
 * requests would pile up and the demo would show the machine instead of a migration. A live request
 * costs more than a registration, as most cause several messages.
 */
const SUSTAINABLE_SHARE = 0.3;
/** Fewer requests say nothing about the machine. */
const MIN_MEASURED = 300;

/** The stages that `runDemo` goes through, after the start of the servers. */
export function stageTitles(options: DemoOptions): string[] {
  const { managers, seconds, ratePerSecond } = options;
  const all = allMoves(options).map(({ link, from, to }) => `${link} ${from} → ${to}`);
  return [
    'start PostgreSQL, NATS, the services and the operator',
    `${managers.toLocaleString('en')} managers, their assessments, candidates`,
    `${ratePerSecond} requests a second for ${seconds} s, before the moves`,
    ...all,
    `traffic for ${seconds} s more, then let it settle`,
    'compare the databases',
  ];
}

/** Resolves with the report, even if a migration did not complete. Rejects when interrupted. */
export async function runDemo(context: DemoContext): Promise<DemoReport> {
  const { stack, options, progress } = context;
  const traffic = new Traffic({
    addresses: stack.publicAddresses,
    ratePerSecond: options.ratePerSecond,
  });
  const refreshing = refreshView(context, traffic);
  try {
    await progress.runStage((stage) => seed(context, traffic, stage));
    traffic.start();
    const before = await progress.runStage((stage) => measureBefore(context, traffic, stage));
    const { migrations, planned } = await moveAll(context, traffic, before);
    await progress.runStage((stage) => settle(context, traffic, stage));
    const judgement = await progress.runStage((stage) =>
      compare(context, { traffic, migrations, stage }),
    );
    return buildReport({ migrations, planned, judgement, traffic: summarise(traffic) });
  } finally {
    await refreshing.stop();
    await traffic.close();
  }
}

async function seed({ options, signal }: DemoContext, traffic: Traffic, stage: Stage) {
  // A process that has just started is slow: only the second half is measured.
  let middle = { done: 0, atMs: 0 };
  const onProgress = (done: number, all: number) => {
    stage.note = `${Math.floor((done / all) * 100)} %`;
    if (done === Math.floor(all / 2)) middle = { done, atMs: performance.now() };
  };
  const done = await seedCompany({
    workload: traffic.workload,
    managers: options.managers,
    onProgress,
    signal,
  });
  signal.throwIfAborted();
  const carried = perSecond(done - middle.done, performance.now() - middle.atMs);
  stage.note = `${carried}/s`;
  const sustainable = Math.max(1, Math.floor(carried * SUSTAINABLE_SHARE));
  if (done >= MIN_MEASURED) traffic.ratePerSecond = Math.min(traffic.ratePerSecond, sustainable);
}

async function measureBefore({ options, signal }: DemoContext, traffic: Traffic, stage: Stage) {
  const { ratePerSecond } = traffic;
  if (ratePerSecond < options.ratePerSecond)
    stage.title = `${ratePerSecond}/s for ${options.seconds} s: all that this machine can carry now`;
  const window = traffic.latencies.openWindow();
  await wait(options.seconds * 1_000, signal);
  const summary = window.close();
  stage.note = `p99 ${formatLatency(summary.p99Ms)}`;
  return summary;
}

/** Lets the traffic go on for a while, stops it, and waits until every message has arrived. */
async function settle(context: DemoContext, traffic: Traffic, stage: Stage): Promise<void> {
  const { options, signal } = context;
  await wait(options.seconds * 1_000, signal);
  await traffic.stop();
  const startedMs = performance.now();
  for (let empty = 0; empty < EMPTY_SWEEPS; ) {
    empty = (await isAllClosed(context)) ? empty + 1 : 0;
    if (performance.now() - startedMs > SETTLE_LIMIT_MS) break;
    await wait(SETTLE_POLL_MS, signal);
  }
  stage.note = `settled in ${formatLatency(performance.now() - startedMs)}`;
}

async function isAllClosed({ stack, links }: DemoContext): Promise<boolean> {
  const databases = databasesOf(Object.values(links), (name) => stack.database(name));
  for (const sql of Object.values(databases)) if ((await countOpen(sql)).size > 0) return false;
  return true;
}

interface Comparing {
  readonly traffic: Traffic;
  readonly migrations: readonly Migration[];
  readonly stage: Stage;
}

async function compare(context: DemoContext, comparing: Comparing): Promise<Judgement> {
  const { stack, links } = context;
  const { traffic, migrations, stage } = comparing;
  const pulled = migrations.filter(({ from, to }) => from === 'pull' || to === 'pull');
  const judgement = await judge({
    links,
    database: (service) => stack.database(service),
    history: traffic.history,
    pulled: new Set(pulled.map(({ link }) => link)),
  });
  const { checks, holds } = judgement;
  if (!holds) stage.state = 'failed';
  stage.note = `${checks.length} checks${holds ? ' passed' : ''}`;
  return judgement;
}

function summarise(traffic: Traffic): DemoReport['traffic'] {
  const { history, counts, errors, actions } = traffic;
  return {
    ...counts,
    rate_per_second: traffic.ratePerSecond,
    managers: history.managers.count,
    acknowledged: history.acknowledgedCount,
    actions: { ...actions },
    errors: errors.map(([message, count]) => `${message} (${count} times)`),
  };
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, signal);
  signal.throwIfAborted();
}
