/** `relink streams`: where streams and durable consumers are not as the map of links wants them. */
import { JetStreamApiError } from '@nats-io/jetstream';
import type { Operator } from '../gen/relink/v1/operator_pb.ts';
import { MigrationError } from '../migration/errors.ts';
import type { DescribedLink, Participants } from '../migration/participants.ts';
import type { Streams } from '../migration/plan.ts';
import { findLink } from '../migration/run/starting.ts';
import { findDifferences } from '../migration/streams/differences.ts';
import { type MendedDifference, mendStream } from '../migration/streams/mend.ts';
import type { Handlers } from '../rpc/handlers.ts';
import { messageOf } from '../runtime/errors.ts';
import { isNatsUnavailable } from '../runtime/natsErrors.ts';

type Found = Partial<MendedDifference> & Awaited<ReturnType<typeof findDifferences>>[number];

export function streamHandlers(
  participants: Participants,
  streams: Streams,
): Pick<Handlers<typeof Operator>, 'checkStreams'> {
  return {
    checkStreams: async ({ link, mend }) => {
      const topology = await participants.topology();
      const links = link === '' ? [...topology.links.values()] : [findLink(topology, link)];
      const all = await Promise.all(links.map((one) => checkLink(streams, one, mend)));
      return { differences: all.flat(), unanswered: [...topology.unanswered] };
    },
  };
}

async function checkLink(streams: Streams, { producer: link }: DescribedLink, isMending: boolean) {
  const check = isMending ? mendStream : findDifferences;
  const found: readonly Found[] = await streams
    .alone(link.id, async () => check(await streams.manager(), link))
    .catch(refuseWithoutBroker);
  return found.map(({ isMended = false, problem = '', ...one }) => ({
    ...{ ...one, link: link.id, mended: isMended },
    proposal: isMended ? '' : problem || `relink streams mend ${link.id}`,
  }));
}

function refuseWithoutBroker(error: unknown): never {
  if (!(error instanceof JetStreamApiError) && !isNatsUnavailable(error)) throw error;
  throw new MigrationError('PARTICIPANT_AWAY', `JetStream does not answer: ${messageOf(error)}`, {
    cause: error,
  });
}
