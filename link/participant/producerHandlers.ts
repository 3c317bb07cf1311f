/** The participant API on the producer's side of a leg. */

import { randomUUIDv7 } from 'node:crypto';
import type { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { Outcome } from '../../gen/relink/v1/receipt_pb.ts';
import { invalidField } from '../../rpc/errors.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { messageOf } from '../../runtime/errors.ts';
import { encodeText } from '../contracts/contract.ts';
import { LinkError } from '../errors.ts';
import { type LinkDefinition, legOf, legsOf } from '../link.ts';
import { enqueue, outboxRowOf } from '../outbox/enqueue.ts';
import type { OutboxRow } from '../outbox/openRows.ts';
import { readClosed, readOpenState, readOpenVersions } from '../outbox/state.ts';
import { changeRoute, releaseHold, requireRoute, setShadow } from '../relay/routes.ts';
import { readEpoch, readStandings } from '../relay/standings.ts';
import type { Dispatcher } from '../transport/dispatcher.ts';
import { JetStreamDispatcher } from '../transport/jetStream/send.ts';
import { contractOf, travellingVersion } from '../versions.ts';
import type { Parcel } from '../wire/parcel.ts';
import { findLeg, type ParticipantOptions } from './context.ts';
import { laneToWire, requireTransport, transportFromWire } from './encoding.ts';
import { countEntities } from './entity.ts';
import { raiseVersions } from './storing.ts';

type Methods =
  | 'getRoutes'
  | 'changeRoute'
  | 'releaseHold'
  | 'setShadow'
  | 'getProgress'
  | 'getClosed'
  | 'listOpen'
  | 'backfill'
  | 'probe';

/** The largest page of a backfill: small enough to leave room for live traffic between pages. */
const BACKFILL_PAGE_MAX = 5_000;
/** How long a probe waits for its copy to be handled. */
const PROBE_WAIT_MS = 5_000;

export function producerHandlers(
  options: ParticipantOptions,
): Pick<Handlers<typeof LinkParticipant>, Methods> {
  const { sql, produced, relay } = options;
  const legFor = (link: string, consumer: string) => findLeg(produced, link, consumer);
  return {
    getRoutes: async ({ link, consumer }) => {
      const lanes = await readStandings(sql, legFor(link, consumer).leg);
      return { lanes: lanes.map(laneToWire), epoch: await readEpoch(sql, link) };
    },
    changeRoute: async (request) => {
      const { definition } = legFor(request.link, request.consumer);
      const epoch = await changeRoute(sql, {
        link: definition,
        consumer: request.consumer,
        lanes: request.lanes,
        transport: requireTransport('transport', request.transport),
        version: request.version,
        expectedEpoch: request.expectedEpoch,
        hold: request.hold,
        aboveEpoch: request.aboveEpoch,
        fence: request.fence,
      });
      await relay.routesChanged();
      return { epoch };
    },
    releaseHold: async ({ link, consumer, epoch }) => {
      const lanes = await releaseHold(sql, link, legFor(link, consumer).leg, epoch);
      await relay.routesChanged();
      return { lanes };
    },
    setShadow: async ({ link, consumer, transport }) => {
      const shadow = transportFromWire(transport) ?? null;
      await setShadow(sql, link, legFor(link, consumer).leg, shadow);
      await relay.routesChanged();
      return {};
    },
    getProgress: async ({ link, consumer, recentMs, lanes }) => {
      const { leg } = legFor(link, consumer);
      const { progress, longestHoldMs, blocked } = relay.progressOf(link, consumer);
      const open = await readOpenState(sql, link, leg, lanes);
      const standings = await readStandings(sql, leg);
      const asked = standings.filter(({ lane }) => lanes.includes(lane));
      const counted = progress.counted(lanes.length > 0 ? asked : undefined);
      const [p50, p99] = counted.percentilesMs([0.5, 0.99], recentMs || undefined);
      return {
        open: BigInt(open.open),
        oldestOpenMs: BigInt(Math.round(open.oldestMs)),
        unownedLanes: open.unownedLanes,
        lanes: standings.map(laneToWire),
        dispatched: BigInt(counted.dispatched),
        failed: BigInt(counted.failed),
        lastError: counted.lastError,
        blocked: BigInt(blocked.count),
        blockedReason: blocked.reason,
        blockedMs: BigInt(Math.round(blocked.forMs)),
        latencyP50Ms: p50!,
        latencyP99Ms: p99!,
        longestHoldMs,
      };
    },
    listOpen: async ({ link, consumer, key }) => ({
      versions: await readOpenVersions(sql, legFor(link, consumer).leg, key),
    }),
    getClosed: async ({ link, consumer, ...page }) => {
      const { digests, nextEpoch } = await readClosed(sql, legFor(link, consumer).leg, page);
      const lanes = digests.map(({ count, sum, ...lane }) => ({ ...lane, digest: { count, sum } }));
      return { lanes, nextEpoch };
    },
    backfill: async (request) => {
      const { definition, leg } = legFor(request.link, request.consumer);
      return backfill(options, definition, leg, request);
    },
    probe: async ({ link, consumer, transport: wire, version }) => {
      const { definition } = legFor(link, consumer);
      const transport = requireTransport('transport', wire);
      requireRoute(definition, transport, version);
      return probe(options, definition, consumer, transport, version);
    },
  };
}

async function backfill(
  { sql, sources, relay }: ParticipantOptions,
  link: LinkDefinition,
  leg: string,
  request: { afterKey: string; limit: number; keys: string[]; raiseVersions: boolean },
) {
  const source = sources?.[link.id];
  if (!source) throw new LinkError('NOT_MOVABLE', `${link.id} has no source to backfill from`);
  const limit = Math.min(request.limit || BACKFILL_PAGE_MAX, BACKFILL_PAGE_MAX);
  const { afterKey, keys, raiseVersions: isRaising } = request;
  if (isRaising && keys.length === 0)
    throw invalidField('raise_versions', 'may only be set together with keys');
  const legs = isRaising ? legsOf(link) : [leg];
  const [page, written] = await sql.begin(async (tx) => {
    if (isRaising) await raiseVersions(tx, source, keys);
    const messages = await source.page(tx, { afterKey, limit, keys });
    const rows = await enqueue(
      tx,
      link,
      messages.map((message) => ({ ...message, legs })),
    );
    return [messages, rows] as const;
  });
  relay.committed(written);
  const isLast = keys.length > 0 || page.length < limit;
  return {
    enqueued: page.length,
    nextKey: isLast ? '' : page.at(-1)!.key,
    total: BigInt(keys.length > 0 ? keys.length : await countEntities(sql, source)),
  };
}

/** An entity of a formal link; otherwise the message settled last, under a new id. */
async function findProbe(
  { sources, sql, relay }: ParticipantOptions,
  link: LinkDefinition,
  consumer: string,
): Promise<OutboxRow | undefined> {
  const source = sources?.[link.id];
  if (!source) {
    const { lastRow } = relay.progressOf(link.id, consumer);
    return lastRow && withNewId(link, lastRow);
  }
  const [message] = await sql.begin((tx) => source.page(tx, { afterKey: '', limit: 1, keys: [] }));
  return message && outboxRowOf(link, message, legOf(link.id, consumer));
}

function withNewId(link: LinkDefinition, row: OutboxRow): OutboxRow {
  const eventId = randomUUIDv7();
  const contract = contractOf(link, row.event, row.eventVersion)!;
  const body = encodeText(contract, { ...JSON.parse(row.body), event_id: eventId });
  return { ...row, eventId, body };
}

/**
 * Sends a copy of one message by the transport; the consumer runs its handler and rolls it back, or
 * only notes the copy.
 */
async function probe(
  options: ParticipantOptions,
  link: LinkDefinition,
  consumer: string,
  transport: 'sync' | 'async' | 'pull',
  version: number,
) {
  const startedMs = performance.now();
  const answer = (problem: string) => ({
    ok: problem === '',
    latencyMs: performance.now() - startedMs,
    problem,
  });
  const row = await findProbe(options, link, consumer);
  if (!row) return { ...answer(await reach(options, link, consumer)), reachedOnly: true };
  const parcel: Parcel = {
    row,
    version: travellingVersion(link, row, version),
    to: [],
    shadow: [consumer],
    copied: [],
    resends: 0,
  };
  const dispatcher: Dispatcher =
    transport === 'async'
      ? new JetStreamDispatcher(options.publisher, link, options.service)
      : options.dispatchers.get(row.leg)!;
  const [result] = await options.complete(link, dispatcher).dispatch([parcel]);
  if (result!.kind === 'refused') return answer(result!.reason);
  if (result!.kind === 'failed')
    return { ...answer(result!.reason), unsent: transport === 'async' };
  return answer(await waitForCopy(options, link, consumer, row.eventId));
}

/** There is nothing to send yet: checks that the consumer answers at all. */
async function reach(options: ParticipantOptions, link: LinkDefinition, consumer: string) {
  try {
    await options.asker.clientOf(consumer).getReceipts({ link: link.id, eventIds: [] });
    return '';
  } catch (error) {
    return messageOf(error);
  }
}

async function waitForCopy(
  { asker }: ParticipantOptions,
  link: LinkDefinition,
  consumer: string,
  eventId: string,
): Promise<string> {
  const untilMs = performance.now() + PROBE_WAIT_MS;
  for (let waitMs = 5; performance.now() < untilMs; waitMs = Math.min(waitMs * 2, 200)) {
    const request = { link: link.id, eventIds: [eventId], copies: true };
    const { receipts } = await asker.clientOf(consumer).getReceipts(request);
    if (receipts[0]) return receipts[0].outcome === Outcome.APPLIED ? '' : receipts[0].detail;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  return `the probe did not arrive within ${PROBE_WAIT_MS} ms`;
}
