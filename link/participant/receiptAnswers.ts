/** What a consumer answers to whoever asks for receipts, by gRPC (`GetReceipts`) or over NATS. */
import type { Agent } from '../../runtime/lifecycle.ts';
import type { Log } from '../../runtime/log.ts';
import type { NatsConnection, StandingSubscription } from '../../runtime/nats.ts';
import { readInbox } from '../inbox/deduplicate.ts';
import { isUuid } from '../inbox/delivery.ts';
import { answerOverNats, type Known } from '../transport/jetStream/asking.ts';
import { readConsumer } from '../transport/jetStream/provision.ts';
import { findLink, type ParticipantOptions } from './context.ts';

export type Answering = Pick<ParticipantOptions, 'sql' | 'consumed' | 'manager' | 'service'>;

/** What became of messages, by whichever way it is asked. @throws LinkError UNKNOWN_LINK */
export async function findReceipts(
  { sql, consumed, manager, service }: Answering,
  link: string,
  eventIds: readonly string[],
): Promise<Known> {
  findLink(consumed, link);
  // The stream is checked first: a message that arrives in between is then among the receipts.
  const isIdle = await isStreamIdle(manager, link, service);
  const known = await readInbox(sql, eventIds.filter(isUuid));
  const receipts = [...known.values()].map(({ eventId, outcome, epoch, hashedVersion }) => ({
    ...{ eventId, outcome, epoch, version: hashedVersion },
  }));
  return { receipts, isStreamIdle: isIdle };
}

/**
 * Whether the stream holds nothing more for this consumer; true when there is no stream. False
 * while the broker does not respond: the receipts must be returned regardless.
 */
async function isStreamIdle(
  manager: Answering['manager'],
  link: string,
  service: string,
): Promise<boolean> {
  try {
    const consumer = await readConsumer(await manager(), link, service);
    return !consumer || (consumer.num_pending === 0 && consumer.num_ack_pending === 0);
  } catch {
    return false;
  }
}

/** Answers over NATS while this process runs. */
export function answeringAgent(nats: NatsConnection, log: Log, answering: Answering): Agent {
  let subscription: StandingSubscription | undefined;
  return {
    name: 'receipt answers',
    start: () => {
      if (answering.consumed.length === 0) return;
      subscription = answerOverNats(
        nats,
        answering.service,
        (link, ids) => findReceipts(answering, link, ids),
        (problem) => log.warn({ err: problem }, 'nobody can ask for receipts over NATS'),
      );
    },
    stop: () => subscription?.unsubscribe(),
  };
}
