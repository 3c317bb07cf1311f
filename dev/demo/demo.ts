/** The demo's course: fill, traffic, one migration after another, then the databases are compared. */
import { legOf } from '../../link/link.ts';
import { pause, repeat } from '../../runtime/wake.ts';
import { fill } from '../traffic/fill.ts';
import type { LatencySummary, LatencyWindow } from '../traffic/latencies.ts';
import { Traffic } from '../traffic/traffic.ts';
import { formatLatency, stepCount } from './draw.ts';
import type { DemoModel, Stage } from './model.ts';
import { moveLink } from './move.ts';
import type { DemoOptions, LinkMoves } from './options.ts';
import { type Judgement, judge } from './oracle/oracle.ts';
import type { Mark } from './oracle/spans.ts';
import { countOpen, readDelays, readManagers } from './oracle/tables.ts';
import { buildReport, type DemoReport, type Migration } from './report.ts';
import type { Site } from './site.ts';

const OWNER = 'assessments';
const LEGS_EVERY_MS = 500;
const TRAFFIC_EVERY_MS = 1_000;
/** What is still on its way when the traffic stops has this long to arrive. */
const SETTLE_LIMIT_MS = 30_000;
const SETTLE_POLL_MS = 100;
/**
 * Filling shows what the machine carries at most. Live traffic asks for less than that: above it the
 * requests would queue up without end, and the demo would show a machine and not a migration.
 */
const CARRIED_SHARE = 0.5;
/** Fewer registrations say nothing about a machine. */
const LEAST_MEASURED = 500;
/** The engine's gates, short enough to watch: nobody decides anything during a demo. */
const CANARY_SECONDS = 1.5;
const SHADOW_SECONDS = 2;
const SHADOW_MESSAGES = 50;

export type DemoContext = {
  readonly site: Site;
  readonly options: DemoOptions;
  readonly model: DemoModel;
  readonly signal: AbortSignal;
};

/** The stages that `runDemo` goes through, after the start of the servers. */
export function stageTitles({ moves, managers, seconds, ratePerSecond }: DemoOptions): string[] {
  const all = moves.flatMap(({ link, to }) => to.map((transport) => `${link} to ${transport}`));
  return [
    'start PostgreSQL, NATS, the services and the operator',
    `register ${managers.toLocaleString('en')} managers`,
    `${ratePerSecond} requests a second for ${seconds} s, as it is`,
    ...all,
    `traffic for ${seconds} s more, then let it settle`,
    'compare the databases',
  ];
}

/** Resolves with the report, also of a migration that did not complete. Rejects when interrupted. */
export async function runDemo(context: DemoContext): Promise<DemoReport> {
  const { site, options, model } = context;
  const { ratePerSecond } = options;
  const traffic = new Traffic({ addresses: site.addresses(OWNER), ratePerSecond });
  const watching = watchSystem(context, traffic);
  try {
    await model.during((stage) => fillManagers(context, traffic, stage));
    traffic.start();
    const before = await model.during((stage) => measureBefore(context, traffic, stage));
    const migrations = await moveAll(context, traffic, before);
    await model.during((stage) => settle(context, traffic, stage));
    const judgement = await model.during((stage) => compare(context, traffic, stage));
    const planned = options.moves.reduce((sum, { to }) => sum + to.length, 0);
    return buildReport({ migrations, planned, judgement, traffic: summarise(traffic) });
  } finally {
    await watching.stop();
    await traffic.close();
  }
}

async function fillManagers({ options, signal }: DemoContext, traffic: Traffic, stage: Stage) {
  const { managers } = options;
  const { caller } = traffic;
  const onProgress = (done: number) => {
    stage.note = `${Math.floor((done / managers) * 100)} %`;
  };
  const startedMs = performance.now();
  const done = await fill({ caller, managers, onProgress, signal });
  signal.throwIfAborted();
  const carried = perSecond(done, performance.now() - startedMs);
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

/** One after another, until one does not complete. */
async function moveAll(
  context: DemoContext,
  traffic: Traffic,
  before: LatencySummary,
): Promise<Migration[]> {
  const { model, options } = context;
  const migrations: Migration[] = [];
  for (const moves of options.moves) {
    for (const to of await inOrder(context, moves)) {
      if (migrations.some(({ state }) => state !== 'completed')) model.skip();
      else
        migrations.push(
          await model.during((stage) =>
            moveOnce(context, { link: moves.link, to, traffic, before, stage }),
          ),
        );
    }
  }
  return migrations;
}

/** There and back: the other way round where the link was left on its first goal by somebody else. */
async function inOrder({ site }: DemoContext, { link, to }: LinkMoves): Promise<string[]> {
  const { links } = await site.operator.listLinks({});
  const legs = links.find(({ id }) => id === link)?.legs ?? [];
  const isThere = legs.every(({ routes }) => routes.every(({ transport }) => transport === to[0]));
  return legs.length > 0 && isThere ? [...to].reverse() : [...to];
}

type OneMove = {
  readonly link: string;
  readonly to: string;
  readonly traffic: Traffic;
  readonly before: LatencySummary;
  readonly stage: Stage;
};

async function moveOnce(context: DemoContext, move: OneMove): Promise<Migration> {
  const { site, model, signal } = context;
  const { link, to, traffic, before, stage } = move;
  const start = { atMs: Date.now(), mark: await readMark(site), failed: countFailed(traffic) };
  const window = traffic.latencies.openWindow();
  const { status, certificates } = await moveLink({
    operator: site.operator,
    link,
    to,
    settings: settingsOf(context.options, traffic),
    signal,
    onStatus: (status) => {
      const { from = '', to = '' } = status.run ?? {};
      Object.assign(stage, { title: `${link} ${from} → ${to}`, note: stepCount(status) });
      model.follow(status);
    },
  });
  const during = window.close();
  const { id: run = '', state = '', problem = '', from = '' } = status.run ?? {};
  const toMs = Date.now();
  stage.state = state === 'completed' ? 'done' : 'failed';
  stage.note = state === 'completed' ? `p99 ${formatLatency(during.p99Ms)}` : state;
  const consumers = await consumersOf(context, link);
  return {
    ...{ link, from, to, run, state, problem, consumers, certificates },
    span: { fromMs: start.atMs, toMs, before: start.mark, after: await readMark(site) },
    delays: await Promise.all(
      consumers.map((consumer) =>
        readDelays(site.database(consumer), link, { fromMs: start.atMs, toMs }),
      ),
    ),
    failedRequests: countFailed(traffic) - start.failed,
    requests: { before, during },
  };
}

function settingsOf({ seconds }: DemoOptions, { ratePerSecond }: Traffic): Record<string, string> {
  return {
    soak_seconds: String(seconds),
    canary_seconds: String(CANARY_SECONDS),
    shadow_seconds: String(SHADOW_SECONDS),
    // A slow trickle of requests would keep the gate waiting.
    shadow_messages: String(Math.min(SHADOW_MESSAGES, ratePerSecond)),
  };
}

async function readMark(site: Site): Promise<Mark> {
  const managers = await readManagers(site.database(OWNER), 'managers');
  return new Map([...managers].map(([id, { version }]) => [id, version]));
}

async function consumersOf({ site }: DemoContext, link: string): Promise<string[]> {
  const { links } = await site.operator.listLinks({});
  return links.find(({ id }) => id === link)?.legs.map(({ consumer }) => consumer) ?? [];
}

/** The traffic goes on for a while, stops, and what is on its way arrives. */
async function settle(context: DemoContext, traffic: Traffic, stage: Stage): Promise<void> {
  const { site, options, signal } = context;
  await wait(options.seconds * 1_000, signal);
  await traffic.stop();
  const startedMs = performance.now();
  const owner = site.database(OWNER);
  for (const { link } of options.moves) {
    while (performance.now() - startedMs < SETTLE_LIMIT_MS) {
      if ((await countOpen(owner, link)).size === 0) break;
      await wait(SETTLE_POLL_MS, signal);
    }
  }
  stage.note = `settled in ${formatLatency(performance.now() - startedMs)}`;
}

async function compare(context: DemoContext, traffic: Traffic, stage: Stage): Promise<Judgement> {
  const { site, options } = context;
  const judgements: Judgement[] = [];
  for (const { link } of options.moves) {
    const names = await consumersOf(context, link);
    const consumers = Object.fromEntries(names.map((name) => [name, site.database(name)]));
    const owner = site.database(OWNER);
    judgements.push(await judge({ link, owner, consumers, told: traffic.told }));
    stage.note = names.map((name) => legOf(link, name)).join(', ');
  }
  const checks = judgements.flatMap((one) => one.checks);
  const findings = judgements.flatMap((one) => one.findings);
  const holds = findings.length === 0;
  if (!holds) stage.state = 'failed';
  stage.note = `${checks.length} comparisons${holds ? ' hold' : ''}`;
  return { checks, findings, holds };
}

/** Keeps the live view's legs and traffic fresh. */
function watchSystem({ site, model }: DemoContext, traffic: Traffic) {
  let window: LatencyWindow = traffic.latencies.openWindow();
  let openedMs = performance.now();
  const complain = (error: unknown) => model.say(String((error as Error).message ?? error));
  const legs = repeat(
    LEGS_EVERY_MS,
    async (signal) => {
      const { links } = await site.operator.listLinks({}, { signal });
      model.legs = links.flatMap((link) => link.legs);
    },
    complain,
  );
  const rates = repeat(
    TRAFFIC_EVERY_MS,
    () => {
      const { count, p50Ms, p99Ms } = window.close();
      const nowMs = performance.now();
      const ratePerSecond = perSecond(count, nowMs - openedMs);
      [window, openedMs] = [traffic.latencies.openWindow(), nowMs];
      const { requests } = traffic.counts;
      const failed = countFailed(traffic);
      model.traffic = requests > 0 ? { ratePerSecond, requests, failed, p50Ms, p99Ms } : undefined;
    },
    complain,
  );
  return { stop: () => Promise.all([legs.stop(), rates.stop()]) };
}

function countFailed(traffic: Traffic): number {
  const { failed, shed } = traffic.counts;
  return failed + shed;
}

function summarise(traffic: Traffic): DemoReport['traffic'] {
  const { told, counts, errors } = traffic;
  return {
    ...counts,
    rate_per_second: traffic.ratePerSecond,
    managers: told.count,
    acknowledged: told.acknowledged,
    errors: errors.map(([message, count]) => `${message} (${count} times)`),
  };
}

function perSecond(count: number, elapsedMs: number): number {
  return Math.round((count * 1_000) / Math.max(1, elapsedMs));
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, signal);
  signal.throwIfAborted();
}
