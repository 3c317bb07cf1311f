/** Turns a JetStream message into an arrival. Missing headers become values that fail the check. */
import type { JsMsg } from '@nats-io/jetstream';
import type { Arrival } from '../../inbox/delivery.ts';
import { decodeHeaderValue, HEADER, readInteger, readVersion } from '../../wire/headers.ts';
import { readHeaders } from './headers.ts';

/** Whom a message is for: this consumer, this consumer as a copy only, or others. */
export type Addressed =
  | { readonly to: 'me' | 'shadow'; readonly arrival: Arrival }
  | { readonly to: 'others' };

/** `consumer` is this service. A message without addressees (sent by hand) is for everybody. */
export function readArrival(message: JsMsg, link: string, consumer: string): Addressed {
  const headers = readHeaders(message);
  const header = (name: string) => headers.get(name) ?? '';
  const consumers = header(HEADER.consumers);
  const shadow = header(HEADER.shadow);
  const isShadow = shadow.split(',').includes(consumer);
  const mine = epochFor(consumers, consumer);
  const isAddressed = consumers !== '' || shadow !== '';
  if (!isShadow && isAddressed && mine === undefined) return { to: 'others' };
  const [, , version, ...event] = message.subject.split('.');
  const messageId = header(HEADER.eventId) || header(HEADER.messageId);
  const arrival: Arrival = {
    link,
    eventId: messageId,
    event: event.join('.'),
    eventVersion: Number(version?.slice(1)),
    hashedVersion: readVersion(header(HEADER.hashedVersion)),
    key: decodeHeaderValue(header(HEADER.key)),
    version: readInteger(header(HEADER.version)),
    epoch: isShadow ? 1n : readInteger(mine ?? header(HEADER.epoch)),
    source: header(HEADER.source),
    isShadow,
    isCopied: header(HEADER.copied).split(',').includes(consumer),
    traceparent: header(HEADER.traceparent) || undefined,
    text: message.string(),
  };
  return { to: isShadow ? 'shadow' : 'me', arrival };
}

function epochFor(consumers: string, consumer: string): string | undefined {
  for (const part of consumers.split(',')) {
    const [name, epoch] = part.split('=');
    if (name === consumer) return epoch;
  }
  return undefined;
}
