/** The demo's migrations, one after another under live traffic, each with what it did to messages. */
import { legOf } from '../../link/link.ts';
import type { DemoContext } from '../demo.ts';
import { readFlows } from '../oracle/expectedMessages.ts';
import { readClosed, readDelays } from '../oracle/linkTables.ts';
import type { Mark } from '../oracle/migrationSpan.ts';
import type { Migration } from '../report/report.ts';
import type { LatencySummary } from '../traffic/latencies.ts';
import type { Traffic } from '../traffic/traffic.ts';
import type { Stage } from '../view/progress.ts';
import { countFailed } from '../view/refresh.ts';
import { formatLatency, stepCount } from '../view/screen.ts';
import { moveLink } from './moveLink.ts';
import { fromWhereItIs, type LinkMove, thereAndBack } from './moves.ts';

/** The engine's gates, short enough to watch: nobody decides anything during a demo. */
const CANARY_SECONDS = 0.5;
const SHADOW_SECONDS = 1;
/** Copies that are compared; of a link with little traffic only as many as come in time. */
const SHADOW_MESSAGES = 20;
/** On whatever machine this runs: being slow is no reason to go back, standing still is. */
const LATENCY_LIMIT_MS = 5_000;
const PATIENCE_SECONDS = 60;
/** What a link carries is measured over this time. */
const FLOW_MS = 5_000;

/** One after another, until one does not complete. */
export async function moveAll(
  context: DemoContext,
  traffic: Traffic,
  before: LatencySummary,
): Promise<Migration[]> {
  const { model } = context;
  const migrations: Migration[] = [];
  for (const move of thereAndBack(await findMoves(context))) {
    if (migrations.some(({ state }) => state !== 'completed')) model.skip();
    else
      migrations.push(
        await model.during((stage) => moveOnce(context, { move, traffic, before, stage })),
      );
  }
  return migrations;
}

async function findMoves({ site, options }: DemoContext): Promise<LinkMove[]> {
  const { links } = await site.operator.listLinks({});
  return options.moves.map((move) => {
    const legs = links.find(({ id }) => id === move.link)?.legs ?? [];
    const routes = legs.flatMap((leg) => leg.routes);
    return fromWhereItIs(move, new Set(routes.map(({ transport }) => transport)));
  });
}

type OneMove = {
  readonly move: LinkMove;
  readonly traffic: Traffic;
  readonly before: LatencySummary;
  readonly stage: Stage;
};

async function moveOnce(context: DemoContext, one: OneMove): Promise<Migration> {
  const { site, model, signal } = context;
  const { move, traffic, before, stage } = one;
  const { link, to } = move;
  const start = {
    settings: await settingsFor(context, link),
    mark: await readMark(context, link),
    failed: countFailed(traffic),
    atMs: Date.now(),
  };
  const window = traffic.latencies.openWindow();
  const { status, certificates } = await moveLink({
    operator: site.operator,
    link,
    to,
    settings: start.settings,
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
  const after = await readMark(context, link);
  const uncertified = await countUncertified(context, link);
  return {
    ...{ link, from, to, run, state, problem, certificates, uncertified },
    span: { link, fromMs: start.atMs, toMs, before: start.mark, after },
    delays: await delaysWithin(context, link, { fromMs: start.atMs, toMs }),
    failedRequests: countFailed(traffic) - start.failed,
    requests: { before, during },
  };
}

async function settingsFor(context: DemoContext, link: string): Promise<Record<string, string>> {
  const toMs = Date.now();
  const delays = await delaysWithin(context, link, { fromMs: toMs - FLOW_MS, toMs });
  const fewest = Math.min(...delays.map(({ messages }) => messages));
  const copies = Math.floor((fewest * SHADOW_SECONDS * 1_000) / FLOW_MS);
  return {
    soak_seconds: String(context.options.seconds),
    canary_seconds: String(CANARY_SECONDS),
    shadow_seconds: String(SHADOW_SECONDS),
    latency_limit_ms: String(LATENCY_LIMIT_MS),
    patience_seconds: String(PATIENCE_SECONDS),
    shadow_messages: String(Math.min(SHADOW_MESSAGES, Math.max(1, copies))),
  };
}

/**
 * Epochs that carried something and are over, without a certificate of this run or an earlier one. An
 * epoch that carried nothing, as all of `pull`, leaves nothing to certify.
 */
async function countUncertified(context: DemoContext, link: string): Promise<number> {
  const { site, links, signal } = context;
  const { certificates } = await site.operator.listCertificates({ link }, { signal });
  const listed = await site.operator.listLinks({}, { signal });
  const legs = listed.links.find(({ id }) => id === link)?.legs ?? [];
  let uncertified = 0;
  for (const { consumer, routes } of legs) {
    const closed = await readClosed(site.database(links[link]!.producer), legOf(link, consumer));
    const known = new Set(routes.map(({ epoch }) => epoch));
    for (const one of certificates) if (one.consumer === consumer) known.add(one.epoch);
    const carried = new Set([...closed.keys()].map((place) => BigInt(place.split('/')[1]!)));
    uncertified += [...carried].filter((epoch) => !known.has(epoch)).length;
  }
  return uncertified;
}

function delaysWithin(
  context: DemoContext,
  link: string,
  span: { readonly fromMs: number; readonly toMs: number },
) {
  return Promise.all(
    consumersOf(context, link).map((consumer) =>
      readDelays(context.site.database(consumer), link, span),
    ),
  );
}

async function readMark({ site, links }: DemoContext, link: string): Promise<Mark> {
  const flows = await readFlows(site.database(links[link]?.producer ?? ''), link);
  return new Map([...flows].map(([key, { last }]) => [key, last]));
}

function consumersOf({ links }: DemoContext, link: string): string[] {
  return Object.keys(links[link]?.consumers ?? {});
}
