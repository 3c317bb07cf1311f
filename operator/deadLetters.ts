/** Dead letters of every service, read where they are kept. */
import type { Operator } from '../gen/relink/v1/operator_pb.ts';
import { DeadLetterSchema } from '../gen/relink/v1/participant_pb.ts';
import {
  type ParticipantClient,
  type Participants,
  REPEATABLE,
} from '../migration/participants.ts';
import { RpcCallError, unknownId } from '../rpc/errors.ts';
import type { Handlers } from '../rpc/handlers.ts';
import { readPage } from '../rpc/paging.ts';

type DeadLetterCalls =
  | 'listDeadLetters'
  | 'getDeadLetter'
  | 'redriveDeadLetter'
  | 'discardDeadLetter'
  | 'editDeadLetter';

/** A redrive runs the handler, which has ten seconds. */
const REDRIVE_DEADLINE_MS = 15_000;
const PAGE = 100;

export function deadLetterHandlers(
  participants: Participants,
): Pick<Handlers<typeof Operator>, DeadLetterCalls> {
  const holderOf = (id: string) => findHolder(participants, id);
  return {
    listDeadLetters: (request) => listAll(participants, request),
    getDeadLetter: async ({ id }) => (await holderOf(id)).getDeadLetter({ id }, REPEATABLE),
    redriveDeadLetter: async ({ id, actor, outOfTurn }) =>
      (await holderOf(id)).redriveDeadLetter(
        { id, actor, outOfTurn },
        { deadlineMs: REDRIVE_DEADLINE_MS },
      ),
    discardDeadLetter: async ({ id, reason, actor }) =>
      (await holderOf(id)).discardDeadLetter({ id, reason, actor }),
    editDeadLetter: async ({ id, revision, body, actor }) =>
      (await holderOf(id)).editDeadLetter({ id, revision, body, actor }),
  };
}

/** One page over all services, oldest first: ids are UUIDv7, so their order is that of time. */
async function listAll(
  participants: Participants,
  request: { link: string; limit: number; afterId: string; all: boolean },
) {
  const limit = request.limit || PAGE;
  const { link, afterId, all } = request;
  const asked = await participants.askAll((service) =>
    orNone(service.listDeadLetters({ link, afterId, all, limit }, REPEATABLE)),
  );
  const answers = [...asked.answers.values()];
  // A service's page may end before its list does: what others have after that comes later.
  const ends = answers.flatMap((answer) => answer?.nextId || []).sort();
  const known = answers
    .flatMap((answer) => answer?.deadLetters ?? [])
    .filter(({ id }) => ends.length === 0 || id <= ends[0]!)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const { entries, next } = await readPage({
    after: '',
    limit,
    read: async (page) => known.filter(({ id }) => id > page.after).slice(0, page.limit),
    keyOf: ({ id }) => id,
    entry: DeadLetterSchema,
    toWire: (letter) => letter,
  });
  return {
    deadLetters: entries,
    nextId: next ?? ends[0] ?? '',
    total: answers.reduce((sum, answer) => sum + (answer?.total ?? 0n), 0n),
    parked: answers.reduce((sum, answer) => sum + (answer?.parked ?? 0n), 0n),
    unanswered: [...asked.unanswered],
  };
}

async function findHolder(participants: Participants, id: string): Promise<ParticipantClient> {
  let unanswered: RpcCallError | undefined;
  for (const service of participants.services) {
    const client = participants.of(service);
    try {
      await client.getDeadLetter({ id }, REPEATABLE);
      return client;
    } catch (error) {
      if (!(error instanceof RpcCallError)) throw error;
      if (error.outcome === 'unknown') unanswered = error;
      else if (error.code !== 'NOT_FOUND') throw error;
    }
  }
  // The one that did not answer may have it.
  throw unanswered ?? unknownId('id', 'dead letter');
}

/** Services without this link have none to show. */
async function orNone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof RpcCallError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}
