/** Parked messages of every service, and moving their keys past what will not come. */
import type { Operator } from '../gen/relink/v1/operator_pb.ts';
import { type ParkedMessage, ParkedMessageSchema } from '../gen/relink/v1/participant_pb.ts';
import { type Participants, REPEATABLE } from '../migration/participants.ts';
import { RpcError } from '../rpc/errors.ts';
import type { Handlers } from '../rpc/handlers.ts';
import { findHolder, oldestOf, orNone } from './everyService.ts';

type ParkedCalls = 'listParked' | 'getParked' | 'skipParked';

const PAGE = 100;

export function parkedHandlers(
  participants: Participants,
): Pick<Handlers<typeof Operator>, ParkedCalls> {
  const find = (id: string) =>
    findHolder(participants, 'parked message', (one, options) => one.getParked({ id }, options));
  return {
    listParked: (request) => listAll(participants, request),
    getParked: async ({ id }) => (await find(id)).found,
    skipParked: async (request) => {
      const { client, found } = await find(request.id);
      if (!request.evenIfOpen) await refuseOpen(participants, found.parked!);
      return client.skipParked(request);
    },
  };
}

async function listAll(
  participants: Participants,
  request: { link: string; key: string; limit: number; afterId: string },
) {
  const { link, key, afterId } = request;
  const limit = request.limit || PAGE;
  const { answers, unanswered } = await participants.askAll((service) =>
    orNone(service.listParked({ link, key, afterId, limit }, REPEATABLE)),
  );
  const all = [...answers.values()];
  const pages = all.map((one) => ({ entries: one?.parked ?? [], nextId: one?.nextId ?? '' }));
  const { entries: parked, nextId } = await oldestOf(pages, ParkedMessageSchema, limit);
  const total = all.reduce((sum, one) => sum + (one?.total ?? 0n), 0n);
  return { parked, nextId, total, unanswered: [...unanswered] };
}

/** What is still in the producer's outbox will come: skipped, it would become a dead letter then. */
async function refuseOpen(participants: Participants, parked: ParkedMessage): Promise<void> {
  const { link, consumer, key, position, entityVersion } = parked;
  const { links } = await participants.topology();
  const producer = links.get(link)?.producer.producer;
  if (producer === undefined)
    throw new RpcError(
      'UNAVAILABLE',
      'UNAVAILABLE',
      `the producer of ${link} does not answer: whether the missing message is on its way is unknown`,
    );
  const request = { link, consumer, key };
  const { versions } = await participants.of(producer).listOpen(request, REPEATABLE);
  const open = versions.find((version) => version > position && version < entityVersion);
  if (open !== undefined)
    throw new RpcError(
      'FAILED_PRECONDITION',
      'PARKED_STATE',
      `nothing was skipped: version ${open} of the key is still open at ${producer} and will come`,
    );
}
