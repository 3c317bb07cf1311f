/**
 * Serves the consumer's typed method of a `sync` link. An event that does not fit its contract is not
 * refused but kept as a dead letter, exactly as on JetStream; only a call without the route's metadata
 * (not from a relay) is an invalid argument.
 */
import type { DescService, Message } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import {
  type Receipt as ReceiptMessage,
  ReceiptSchema,
} from '../../../gen/relink/v1/receipt_pb.ts';
import { RpcError } from '../../../rpc/errors.ts';
import type { RpcContext } from '../../../rpc/handlers.ts';
import type { ServedService } from '../../../rpc/server.ts';
import { ID_REUSED } from '../../inbox/alarms.ts';
import type { Receiver } from '../../inbox/receiver.ts';
import type { LinkDefinition } from '../../link.ts';
import { outcomeToWire } from '../../wire/outcome.ts';
import { readArrival } from './arrival.ts';
import { pushedEvent } from './pushMethod.ts';

/** The handler of a link's typed method. Responds after the commit. */
export function pushHandler(link: LinkDefinition, receiver: Receiver) {
  return async (request: Message, context: RpcContext): Promise<ReceiptMessage> => {
    const unknown = sayUnknownEvent(link, request);
    if (unknown) {
      receiver.noteNewer(unknown);
      throw new RpcError('FAILED_PRECONDITION', 'EVENT_NEWER', unknown);
    }
    const arrival = readArrival(link, request, context);
    const [receipt] = await receiver.receive([arrival]);
    const { eventId, outcome, epoch, retryAfterMs, detail, version } = receipt!;
    if (outcome === 'dead' && detail === ID_REUSED)
      throw new RpcError('FAILED_PRECONDITION', 'PAYLOAD_CONFLICT', ID_REUSED);
    return create(ReceiptSchema, {
      eventId,
      outcome: outcomeToWire(outcome),
      epoch,
      retryAfterMs: Math.ceil(retryAfterMs ?? 0),
      detail: detail ?? '',
      ...(version === undefined ? {} : { contractVersion: version }),
    });
  };
}

/**
 * A method whose oneof has got cases since this build was made leaves what they hold as unknown fields.
 * The caller keeps the message and calls again, and may then reach a process that knows them.
 */
function sayUnknownEvent(link: LinkDefinition, request: Message): string | undefined {
  const [field] = request.$unknown ?? [];
  if (!field || pushedEvent(link, request)) return undefined;
  return `the call of ${link.id} holds an event that this build does not know, field ${field.no}: start a build that reads it`;
}

/** A service whose methods all refuse: their links are not on this process's map. */
export function unmappedService(service: DescService): ServedService {
  const refuse = () => {
    const what = 'the link of this method is not on the map of this process';
    throw new RpcError('UNIMPLEMENTED', 'LINK_UNKNOWN', what);
  };
  const handlers = service.methods.map(({ localName }) => [localName, refuse]);
  return { service, handlers: Object.fromEntries(handlers), validate: false };
}
