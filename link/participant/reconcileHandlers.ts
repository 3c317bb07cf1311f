/** The participant API by which both sides of a leg tell each other what one of them lost. */
import { HistoryEntrySchema, type LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { invalidField } from '../../rpc/errors.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { readPage } from '../../rpc/paging.ts';
import { isUuid } from '../inbox/delivery.ts';
import { readFences } from '../inbox/fence.ts';
import { listGaps } from '../inbox/ordered.ts';
import { readSettled } from '../inbox/settled.ts';
import { ALL_LANES, laneOf } from '../link.ts';
import { findKnown, findOpen, readHistory, reopen } from '../outbox/history.ts';
import { keptSince } from '../upkeep/dayPartitions.ts';
import { outcomeToWire } from '../wire/outcome.ts';
import type { ReceiptOutcome } from '../wire/receipt.ts';
import { findLeg, findLink, type ParticipantOptions } from './context.ts';

type ProducerMethods = 'listHistory' | 'findMessages' | 'resendMessages';
type ConsumerMethods = 'listSettled' | 'listGaps' | 'getFences';
type Reconciling = Pick<Handlers<typeof LinkParticipant>, ProducerMethods | ConsumerMethods>;

const PAGE = 1_000;

export function reconcileHandlers(options: ParticipantOptions): Reconciling {
  return { ...producerSide(options), ...consumerSide(options) };
}

function producerSide({ sql, produced, relay, keepsHistory }: ParticipantOptions) {
  const handlers: Pick<Reconciling, ProducerMethods> = {
    listHistory: async ({ link, consumer, sinceUnixMs, lanes, afterId, limit }) => {
      const { leg } = findLeg(produced, link, consumer);
      const wanted = { sinceMs: Number(sinceUnixMs), lanes: lanesOf(lanes) };
      const { entries, next } = await readPage({
        after: requireId('after_id', afterId),
        limit: limit || PAGE,
        read: (page) =>
          readHistory(sql, leg, { ...wanted, afterId: page.after, limit: page.limit }),
        keyOf: ({ eventId }) => eventId,
        entry: HistoryEntrySchema,
        toWire: ({ closedAt, ...row }) => ({ ...row, atUnixMs: BigInt(closedAt.getTime()) }),
        readAtOnce: limit || PAGE,
      });
      return { entries, nextId: next ?? '' };
    },
    findMessages: async ({ link, consumer, eventIds, places }) => {
      const { leg } = findLeg(produced, link, consumer);
      const known = await findKnown(sql, leg, eventIds.filter(isUuid));
      const open = await findOpen(sql, leg, places);
      const since = keepsHistory ? await keptSince(sql, 'history') : 0;
      return { known: [...known], open, keptSinceUnixMs: BigInt(since) };
    },
    resendMessages: async ({ link, consumer, eventIds, actor }) => {
      const { leg } = findLeg(produced, link, consumer);
      const opened = await reopen(sql, leg, eventIds.filter(isUuid), actor);
      relay.committed(opened.map(({ key }) => ({ link, lane: laneOf(key) })));
      return { opened: opened.map(({ eventId }) => eventId) };
    },
  };
  return handlers;
}

function consumerSide({ sql, consumed }: ParticipantOptions) {
  const handlers: Pick<Reconciling, ConsumerMethods> = {
    listSettled: async ({ link, sinceUnixMs, lanes, afterId, limit }) => {
      const { id } = findLink(consumed, link);
      const wanted = { sinceMs: Number(sinceUnixMs), lanes: lanesOf(lanes) };
      const { entries, next } = await readPage({
        after: requireId('after_id', afterId),
        limit: limit || PAGE,
        read: (page) => readSettled(sql, id, { ...wanted, afterId: page.after, limit: page.limit }),
        keyOf: ({ eventId }) => eventId,
        entry: HistoryEntrySchema,
        toWire: ({ receivedAt, outcome, ...row }) => ({
          ...row,
          outcome: outcomeToWire(outcome as ReceiptOutcome),
          atUnixMs: BigInt(receivedAt.getTime()),
        }),
        readAtOnce: limit || PAGE,
      });
      return { entries, nextId: next ?? '' };
    },
    listGaps: async ({ link, afterKey, limit }) => {
      const { id } = findLink(consumed, link);
      const wanted = limit || PAGE;
      const gaps = await listGaps(sql, id, afterKey, wanted);
      return {
        gaps: gaps.map(({ parkedSince, ...gap }) => ({
          ...gap,
          parkedSinceUnixMs: BigInt(parkedSince.getTime()),
        })),
        nextKey: gaps.length < wanted ? '' : gaps.at(-1)!.key,
      };
    },
    getFences: async ({ link }) => ({
      lanes: await readFences(sql, findLink(consumed, link).id),
    }),
  };
  return handlers;
}

function lanesOf(lanes: readonly number[]): readonly number[] {
  return lanes.length === 0 ? ALL_LANES : lanes;
}

function requireId(field: string, id: string): string {
  if (id !== '' && !isUuid(id)) throw invalidField(field, 'must be an event id or empty');
  return id;
}
