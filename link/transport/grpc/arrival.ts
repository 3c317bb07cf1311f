/** Turns a call into an arrival. A call without the route's metadata does not come from a relay. */
import type { Message } from '@bufbuild/protobuf';
import { invalidField } from '../../../rpc/errors.ts';
import type { RpcContext } from '../../../rpc/handlers.ts';
import { type Contract, encodeText, fromMessage } from '../../contracts/contract.ts';
import { ContractError } from '../../contracts/contractError.ts';
import type { Arrival } from '../../inbox/delivery.ts';
import type { LinkDefinition } from '../../link.ts';
import { decodeHeaderValue, METADATA, readInteger, readVersion } from '../../wire/headers.ts';
import { pushedEvent } from './pushMethod.ts';

/** @throws RpcError INVALID_ARGUMENT naming what is missing */
export function readArrival(link: LinkDefinition, request: Message, context: RpcContext): Arrival {
  const required = (name: string) => {
    const value = context.header(name);
    if (!value) throw invalidField(`metadata.${name}`, 'is required; a relay always sends it');
    return value;
  };
  const count = (name: string) => {
    const value = readInteger(required(name));
    if (value < 1n) throw invalidField(`metadata.${name}`, 'must be a positive integer');
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
    hashedVersion: readVersion(context.header(METADATA.hashedVersion)),
    key: decodeHeaderValue(required(METADATA.key)),
    version: count(METADATA.version),
    epoch: count(METADATA.epoch),
    source: context.header(METADATA.source) ?? '',
    isShadow: context.header(METADATA.shadow) === '1',
    isCopied: context.header(METADATA.copied) === '1',
    traceparent: context.header(METADATA.traceparent),
    text: textOf(contract, message),
  };
}

/**
 * The canonical text of the event. One that holds a value that JSON cannot express, such as a time beyond
 * the year 9999, is written as it came: it fits no contract, so it becomes a dead letter. So does one with
 * a field that this build does not know: without it both sides would hash, and do, something else.
 */
function textOf(contract: Contract, message: Message): string {
  try {
    const event = fromMessage(contract, message);
    const unknown = contract.findUnknownField(message);
    if (!unknown) return encodeText(contract, event);
    const { field, message: what } = unknown;
    return JSON.stringify({ ...(event as object), [`${field || 'event'} ${what}`]: null });
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    return JSON.stringify(message, (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
  }
}
