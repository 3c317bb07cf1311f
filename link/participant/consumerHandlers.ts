/** The participant API on the consumer's side of a link. */
import { CopyHandling, type LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { Outcome } from '../../gen/relink/v1/receipt_pb.ts';
import { invalidField } from '../../rpc/errors.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { compareShadow } from '../copies/comparison.ts';
import { setCopyHandling } from '../copies/handling.ts';
import { readCopies } from '../copies/results.ts';
import { isUuid } from '../inbox/delivery.ts';
import { readInboxDigest } from '../inbox/digest.ts';
import { readExceptions } from '../inbox/exceptions.ts';
import { raiseFence } from '../inbox/fence.ts';
import { setListening } from '../transport/jetStream/listening.ts';
import { outcomeToWire } from '../wire/outcome.ts';
import { findLink, type ParticipantOptions } from './context.ts';
import { findReceipts } from './receiptAnswers.ts';

type Methods =
  | 'getReceipts'
  | 'setListening'
  | 'setCopies'
  | 'raiseFence'
  | 'getInboxDigest'
  | 'getConsumption'
  | 'listExceptions'
  | 'getShadowResults';

/** Each may have a reason, which is as long as a dead letter's. */
const COPIES_AT_ONCE = 500;
const EXCEPTIONS = 100;

export function consumerHandlers(
  options: ParticipantOptions,
): Pick<Handlers<typeof LinkParticipant>, Methods> {
  const { sql, consumed, listening, receivers, streams, refusals } = options;
  return {
    getReceipts: async ({ link, eventIds, copies }) => {
      findLink(consumed, link);
      const ids = eventIds.filter(isUuid);
      if (copies) return { receipts: await copyReceipts(options, ids), streamIdle: false };
      const known = await findReceipts(options, link, ids);
      const receipts = known.receipts.map(({ outcome, version, ...receipt }) => ({
        ...receipt,
        outcome: outcomeToWire(outcome),
        ...(version === undefined ? {} : { contractVersion: version }),
      }));
      return { receipts, streamIdle: known.isStreamIdle };
    },
    setListening: async (request) => {
      await setListening(sql, findLink(consumed, request.link).id, request.listening);
      listening.changed();
      return {};
    },
    setCopies: async ({ link, copies }) => {
      if (copies === CopyHandling.UNSPECIFIED) throw invalidField('copies', 'must be LOG or RUN');
      const handling = copies === CopyHandling.RUN ? 'run' : 'log';
      await setCopyHandling(sql, findLink(consumed, link).id, handling);
      return {};
    },
    raiseFence: async ({ link, lanes, minEpoch }) => {
      await raiseFence(sql, findLink(consumed, link).id, lanes, minEpoch);
      return {};
    },
    getInboxDigest: async ({ link, ...page }) => {
      const { digests, nextEpoch } = await readInboxDigest(sql, findLink(consumed, link).id, page);
      const lanes = digests.map(({ count, sum, ...lane }) => ({ ...lane, digest: { count, sum } }));
      return { lanes, nextEpoch };
    },
    getConsumption: async ({ link }) => {
      const { id } = findLink(consumed, link);
      const pause = receivers.get(id)?.breaker.pause;
      return {
        pausedReason: pause?.reason ?? '',
        pausedMs: BigInt(Math.round(pause?.forMs ?? 0)),
        bindProblem: refusals.of(id) ?? streams.get(id)?.problem ?? '',
      };
    },
    listExceptions: async ({ link, epoch, outcomes, limit }) => {
      const { id } = findLink(consumed, link);
      const wanted = { link: id, epoch, outcomes, limit: limit || EXCEPTIONS };
      return { messages: await readExceptions(sql, wanted) };
    },
    getShadowResults: async ({ link, settleMs, sinceUnixMs }) => {
      const since = Number(sinceUnixMs);
      const compared = await compareShadow(sql, findLink(consumed, link).id, {
        settleMs,
        sinceUnixMs: since,
      });
      return {
        expected: BigInt(compared.expected),
        equal: BigInt(compared.equal),
        missing: BigInt(compared.missing),
        different: BigInt(compared.different),
        examples: [...compared.examples],
        ran: BigInt(compared.ran),
        otherEffects: BigInt(compared.otherEffects),
      };
    },
  };
}

async function copyReceipts({ sql }: ParticipantOptions, ids: readonly string[]) {
  if (ids.length > COPIES_AT_ONCE)
    throw invalidField('event_ids', `must be at most ${COPIES_AT_ONCE} where copies are asked for`);
  const copies = await readCopies(sql, ids);
  return [...copies].map(([eventId, detail]) => ({
    eventId,
    outcome: detail === '' ? Outcome.APPLIED : Outcome.DEAD,
    detail,
  }));
}
