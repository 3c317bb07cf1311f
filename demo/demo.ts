/** The demo's course: fill, traffic, one migration after another, then the databases are compared. */
import type { LinkMap } from '../link/link.ts';
import { pause } from '../runtime/wake.ts';
import { moveAll } from './migrations/moveAll.ts';
import { thereAndBack } from './migrations/moves.ts';
import type { DemoOptions } from './options.ts';
import { countOpen } from './oracle/linkTables.ts';
import { databasesOf, type Judgement, judge } from './oracle/oracle.ts';
import { buildReport, type DemoReport, type Migration } from './report/report.ts';
import type { Site } from './stack.ts';
import { fill } from './traffic/seed.ts';
import { Traffic } from './traffic/traffic.ts';
import type { DemoModel, Stage } from './view/progress.ts';
import { perSecond, watchSystem } from './view/refresh.ts';
import { formatLatency } from './view/screen.ts';

/** What is still on its way when the traffic stops has this long to arrive. */
const SETTLE_LIMIT_MS = 30_000;
const SETTLE_POLL_MS = 100;
/**
 * A message may cause another one at its consumer, and that none: read one after the other, the
 * outboxes can hide one message on its way once, never twice.
 */
const EMPTY_SWEEPS = 2;
/**
 * Filling shows what the machine carries at most. Live traffic asks for less than that: above it the
 * requests would queue up without end, and the demo would show a machine and not a migration. A live
 * request costs more than a registration, as most cause several messages.
 */
const CARRIED_SHARE = 0.3;
/** Fewer requests say nothing about a machine. */
const LEAST_MEASURED = 300;

export type DemoContext = {
  readonly site: Site;
  readonly links: LinkMap;
  readonly options: DemoOptions;
  readonly model: DemoModel;
  readonly signal: AbortSignal;
};

/** The stages that `runDemo` goes through, after the start of the servers. */
export function stageTitles({ moves, managers, seconds, ratePerSecond }: DemoOptions): string[] {
  const all = thereAndBack(moves).map(({ link, from, to }) => `${link} ${from} → ${to}`);
  return [
    'start PostgreSQL, NATS, the services and the operator',
    `${managers.toLocaleString('en')} managers, their assessments, candidates`,
    `${ratePerSecond} requests a second for ${seconds} s, as it is`,
    ...all,
    `traffic for ${seconds} s more, then let it settle`,
    'compare the databases',
  ];
}

/** Resolves with the report, also of a migration that did not complete. Rejects when interrupted. */
export async function runDemo(context: DemoContext): Promise<DemoReport> {
  const { site, options, model } = context;
  const traffic = new Traffic({
    addresses: site.calledAddresses,
    ratePerSecond: options.ratePerSecond,
  });
  const watching = watchSystem(context, traffic);
  try {
    await model.during((stage) => fillCompany(context, traffic, stage));
    traffic.start();
    const before = await model.during((stage) => measureBefore(context, traffic, stage));
    const migrations = await moveAll(context, traffic, before);
    await model.during((stage) => settle(context, traffic, stage));
    const judgement = await model.during((stage) =>
      compare(context, { traffic, migrations, stage }),
    );
    const planned = thereAndBack(options.moves).length;
    return buildReport({ migrations, planned, judgement, traffic: summarise(traffic) });
  } finally {
    await watching.stop();
    await traffic.close();
  }
}

async function fillCompany({ options, signal }: DemoContext, traffic: Traffic, stage: Stage) {
  // A process that has just started is slow: only what it does from the middle on is measured.
  let middle = { done: 0, atMs: 0 };
  const onProgress = (done: number, all: number) => {
    stage.note = `${Math.floor((done / all) * 100)} %`;
    if (done === Math.floor(all / 2)) middle = { done, atMs: performance.now() };
  };
  const done = await fill({ life: traffic.life, managers: options.managers, onProgress, signal });
  signal.throwIfAborted();
  const carried = perSecond(done - middle.done, performance.now() - middle.atMs);
  stage.note = `${carried}/s`;
  const bearable = Math.max(1, Math.floor(carried * CARRIED_SHARE));
  if (done >= LEAST_MEASURED) traffic.ratePerSecond = Math.min(traffic.ratePerSecond, bearable);
}

async function measureBefore({ options, signal }: DemoContext, traffic: Traffic, stage: Stage) {
  const { ratePerSecond } = traffic;
  if (ratePerSecond < options.ratePerSecond)
    stage.title = `${ratePerSecond}/s for ${options.seconds} s: this machine carries no more now`;
  const window = traffic.latencies.openWindow();
  await wait(options.seconds * 1_000, signal);
  const summary = window.close();
  stage.note = `p99 ${formatLatency(summary.p99Ms)}`;
  return summary;
}

/** The traffic goes on for a while, stops, and what is on its way arrives. */
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

async function isAllClosed({ site, links }: DemoContext): Promise<boolean> {
  const databases = databasesOf(Object.values(links), (name) => site.database(name));
  for (const sql of Object.values(databases)) if ((await countOpen(sql)).size > 0) return false;
  return true;
}

type Comparing = {
  readonly traffic: Traffic;
  readonly migrations: readonly Migration[];
  readonly stage: Stage;
};

async function compare(context: DemoContext, comparing: Comparing): Promise<Judgement> {
  const { site, links } = context;
  const { traffic, migrations, stage } = comparing;
  const pulled = migrations.filter(({ from, to }) => from === 'pull' || to === 'pull');
  const judgement = await judge({
    links,
    database: (service) => site.database(service),
    told: traffic.told,
    pulled: new Set(pulled.map(({ link }) => link)),
  });
  const { checks, holds } = judgement;
  if (!holds) stage.state = 'failed';
  stage.note = `${checks.length} comparisons${holds ? ' hold' : ''}`;
  return judgement;
}

function summarise(traffic: Traffic): DemoReport['traffic'] {
  const { told, counts, errors, actions } = traffic;
  return {
    ...counts,
    rate_per_second: traffic.ratePerSecond,
    managers: told.managers.count,
    acknowledged: told.acknowledged,
    actions: { ...actions },
    errors: errors.map(([message, count]) => `${message} (${count} times)`),
  };
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, signal);
  signal.throwIfAborted();
}
