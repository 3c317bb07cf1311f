/**
 * The demo's migrations, one after another under live traffic, each with its effect on messages.
 */
import type { DemoContext } from '../context.ts';
import type { LatencySummary } from '../traffic/latencies.ts';
import type { Traffic } from '../traffic/traffic.ts';
import type { Stage } from '../view/progress.ts';
import { formatLatency, stepCount } from '../view/screen.ts';
import { countUncertified, readDelaysWithin, readVersionMark } from './measure.ts';
import type { Migration } from './migration.ts';
import { moveLink } from './moveLink.ts';
import { allMoves, type LinkMove, reverseIfAlreadyThere } from './moves.ts';

/** Durations of the engine's gates, short enough to watch: a demo needs no time for decisions. */
const CANARY_SECONDS = 0.5;
const SHADOW_SECONDS = 1;
const SOAK_MIN_SECONDS = 0.1;
/** Shadow copies to compare; fewer on a link with little traffic, so that they arrive in time. */
const SHADOW_MESSAGES = 20;
/**
 * Generous, since the demo runs on any machine: slowness is no reason to roll back, a standstill
 * is.
 */
const LATENCY_LIMIT_MS = 5_000;
const PATIENCE_SECONDS = 60;
/** A link's throughput is measured over this time. */
const THROUGHPUT_MS = 5_000;

export interface Moved {
  readonly migrations: readonly Migration[];
  /** How many there were to be. */
  readonly planned: number;
}

/** Moves all links there and back and to their newest version, until one does not complete. */
export async function moveAll(
  context: DemoContext,
  traffic: Traffic,
  before: LatencySummary,
): Promise<Moved> {
  const { progress } = context;
  const { moves, done } = await findMoves(context);
  const migrations: Migration[] = [];
  for (const move of moves) {
    if (migrations.some(({ state }) => state !== 'completed')) progress.skipStage();
    else if (done.has(move))
      await progress.runStage(async (stage) => {
        stage.note = 'was moved before';
      });
    else
      migrations.push(
        await progress.runStage((stage) => moveOnce(context, { move, traffic, before, stage })),
      );
  }
  return { migrations, planned: moves.length - done.size };
}

/** Servers that were given may hold what an earlier demo moved. */
async function findMoves({ stack, options }: DemoContext) {
  const { links } = await stack.operator.listLinks({});
  const routesOf = (id: string) =>
    links.find((link) => link.id === id)?.legs.flatMap((leg) => leg.routes) ?? [];
  const moves = options.moves.map((move) => {
    const transports = routesOf(move.link).map(({ transport }) => transport);
    return reverseIfAlreadyThere(move, new Set(transports));
  });
  const isThere = ({ link, to }: LinkMove) =>
    routesOf(link).every(({ version }) => `v${version}` === to);
  const done = new Set(options.versionMoves.filter(isThere));
  return { moves: allMoves({ ...options, moves }), done };
}

interface MoveContext {
  readonly move: LinkMove;
  readonly traffic: Traffic;
  readonly before: LatencySummary;
  readonly stage: Stage;
}

async function moveOnce(context: DemoContext, one: MoveContext): Promise<Migration> {
  const { stack, progress, signal } = context;
  const { move, traffic, before, stage } = one;
  const { link, to } = move;
  const start = {
    settings: await settingsFor(context, link),
    mark: await readVersionMark(context, link),
    failed: traffic.failedRequests,
    atMs: Date.now(),
  };
  const window = traffic.latencies.openWindow();
  await stack.releases.begin(move);
  if (link === 'COMM-010' && to.startsWith('v')) traffic.forgetNames();
  const { status, certificates } = await moveLink({
    operator: stack.operator,
    link,
    to,
    settings: start.settings,
    signal,
    onStatus: (status) => {
      const { from = '', to = '' } = status.run ?? {};
      Object.assign(stage, { title: `${link} ${from} → ${to}`, note: stepCount(status) });
      progress.showRun(status);
    },
    answer: (gate) => stack.releases.answer(move, gate),
  });
  const during = window.close();
  const { id: run = '', state = '', problem = '', from = '' } = status.run ?? {};
  const toMs = Date.now();
  stage.state = state === 'completed' ? 'done' : 'failed';
  stage.note = state === 'completed' ? `p99 ${formatLatency(during.p99Ms)}` : state;
  const after = await readVersionMark(context, link);
  const uncertified = await countUncertified(context, link);
  return {
    ...{ link, from, to, run, state, problem, certificates, uncertified },
    span: { link, fromMs: start.atMs, toMs, before: start.mark, after },
    delays: await readDelaysWithin(context, link, { fromMs: start.atMs, toMs }),
    failedRequests: traffic.failedRequests - start.failed,
    requests: { before, during },
  };
}

async function settingsFor(context: DemoContext, link: string): Promise<Record<string, string>> {
  const toMs = Date.now();
  const delays = await readDelaysWithin(context, link, { fromMs: toMs - THROUGHPUT_MS, toMs });
  const fewest = Math.min(...delays.map(({ messages }) => messages));
  const soakSeconds = Math.max(SOAK_MIN_SECONDS, context.options.seconds);
  const copies = Math.floor((fewest * SHADOW_SECONDS * 1_000) / THROUGHPUT_MS);
  return {
    // No longer than the shortest window that judges it; a link may be idle for as long as that.
    lag_limit_ms: String(Math.min(CANARY_SECONDS, soakSeconds) * 1_000),
    allow_idle: '1',
    lane_messages: '1',
    soak_seconds: String(soakSeconds),
    canary_seconds: String(CANARY_SECONDS),
    shadow_seconds: String(SHADOW_SECONDS),
    latency_limit_ms: String(LATENCY_LIMIT_MS),
    patience_seconds: String(PATIENCE_SECONDS),
    shadow_messages: String(Math.min(SHADOW_MESSAGES, Math.max(1, copies))),
  };
}
