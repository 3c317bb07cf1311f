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
import { invalidField, RpcError } from '../../../rpc/errors.ts';
import type { RpcContext } from '../../../rpc/handlers.ts';
import type { ServedService } from '../../../rpc/server.ts';
import { encodeText, fromMessage } from '../../contracts/contract.ts';
import type { Arrival } from '../../inbox/delivery.ts';
import { ID_REUSED, type Receiver } from '../../inbox/receiver.ts';
import type { LinkDefinition } from '../../link.ts';
import { decodeHeaderValue, METADATA } from '../../wire/headers.ts';
import { outcomeToWire } from '../../wire/outcome.ts';
import { integerOf } from '../jetStream/arrival.ts';
import { pushedEvent } from './pushMethod.ts';

/** The handler of a link's typed method. Answers after the commit. */
export function pushHandler(link: LinkDefinition, receiver: Receiver) {
  return async (request: Message, context: RpcContext): Promise<ReceiptMessage> => {
    const arrival = arrivalOf(link, request, context);
    const [receipt] = await receiver.receive([arrival]);
    const { eventId, outcome, epoch, retryAfterMs, detail } = receipt!;
    if (outcome === 'dead' && detail === ID_REUSED)
      throw new RpcError('FAILED_PRECONDITION', 'PAYLOAD_CONFLICT', ID_REUSED);
    return create(ReceiptSchema, {
      eventId,
      outcome: outcomeToWire(outcome),
      epoch,
      retryAfterMs: Math.ceil(retryAfterMs ?? 0),
      detail: detail ?? '',
    });
  };
}

function arrivalOf(link: LinkDefinition, request: Message, context: RpcContext): Arrival {
  const required = (name: string) => {
    const value = context.header(name);
    if (!value) throw invalidField(`metadata.${name}`, 'is required: the relay of a link sends it');
    return value;
  };
  const count = (name: string) => {
    const value = integerOf(required(name));
    if (value < 1n) throw invalidField(`metadata.${name}`, 'must be a whole number above 0');
    return value;
  };
  const pushed = pushedEvent(link, request);
  if (!pushed) throw invalidField('event', 'must hold one event');
  const { contract, message } = pushed;
  return {
    link: link.id,
    eventId: required(METADATA.eventId),
    event: contract.event,
    eventVersion: contract.version,
    key: decodeHeaderValue(required(METADATA.key)),
    version: count(METADATA.version),
    epoch: count(METADATA.epoch),
    source: context.header(METADATA.source) ?? '',
    isShadow: context.header(METADATA.shadow) === '1',
    isCopied: context.header(METADATA.copied) === '1',
    traceparent: context.header(METADATA.traceparent),
    text: encodeText(contract, fromMessage(contract, message)),
  };
}

/** A typed method whose link is not on this process's map takes nothing. */
export function unmappedService(service: DescService): ServedService {
  const refuse = () => {
    const what = 'the link of this method is not on the map of this process';
    throw new RpcError('UNIMPLEMENTED', 'LINK_UNKNOWN', what);
  };
  const handlers = service.methods.map(({ localName }) => [localName, refuse]);
  return { service, handlers: Object.fromEntries(handlers), validate: false };
}
