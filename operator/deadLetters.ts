/** Dead letters of every service, read where they are kept. */
import type { Operator } from '../gen/relink/v1/operator_pb.ts';
import { DeadLetterSchema } from '../gen/relink/v1/participant_pb.ts';
import { type Participants, REPEATABLE } from '../migration/participants.ts';
import type { Handlers } from '../rpc/handlers.ts';
import { findHolder, oldestOf, orNone } from './everyService.ts';

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
  const holderOf = async (id: string) =>
    (
      await findHolder(participants, 'dead letter', (one, options) =>
        one.getDeadLetter({ id }, options),
      )
    ).client;
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
  const pages = answers.map((one) => ({
    entries: one?.deadLetters ?? [],
    nextId: one?.nextId ?? '',
  }));
  const { entries, nextId } = await oldestOf(pages, DeadLetterSchema, limit);
  return {
    deadLetters: entries,
    nextId,
    total: answers.reduce((sum, answer) => sum + (answer?.total ?? 0n), 0n),
    parked: answers.reduce((sum, answer) => sum + (answer?.parked ?? 0n), 0n),
    unanswered: [...asked.unanswered],
  };
}
