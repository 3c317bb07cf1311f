/** Turns a JetStream message into an arrival. Missing headers become values that fail the check. */
import type { JsMsg } from '@nats-io/jetstream';
import type { Arrival } from '../../inbox/delivery.ts';
import { decodeHeaderValue, readInteger, readVersion } from '../../wire/headers.ts';
import { readHeaders } from './headers.ts';

/** Whom a message is for: this consumer, this consumer as a copy only, or others. */
export type Addressed =
  | { readonly to: 'me' | 'shadow'; readonly arrival: Arrival }
  | { readonly to: 'others' };

/** `consumer` is this service. A message without addressees (sent by hand) is for everybody. */
export function readArrival(message: JsMsg, link: string, consumer: string): Addressed {
  const headers = readHeaders(message);
  const { consumers = '', shadow = '', messageId = '' } = headers;
  const isShadow = isListed(shadow, consumer);
  const mine = epochFor(consumers, consumer);
  const isAddressed = consumers !== '' || shadow !== '';
  if (!isShadow && isAddressed && mine === undefined) return { to: 'others' };
  const [, , version, ...event] = message.subject.split('.');
  const arrival: Arrival = {
    link,
    eventId: headers.eventId || messageId,
    event: event.join('.'),
    eventVersion: Number(version?.slice(1)),
    hashedVersion: readVersion(headers.hashedVersion),
    key: decodeHeaderValue(headers.key ?? ''),
    version: readInteger(headers.version ?? ''),
    epoch: isShadow ? 1n : readInteger(mine ?? headers.epoch ?? ''),
    source: headers.source ?? '',
    isShadow,
    isCopied: isListed(headers.copied ?? '', consumer),
    traceparent: headers.traceparent || undefined,
    text: message.string(),
  };
  return { to: isShadow ? 'shadow' : 'me', arrival };
}

/** Most lists are empty. */
function isListed(list: string, consumer: string): boolean {
  return list !== '' && list.split(',').includes(consumer);
}

function epochFor(consumers: string, consumer: string): string | undefined {
  for (const part of consumers.split(',')) {
    const [name, epoch] = part.split('=');
    if (name === consumer) return epoch;
  }
  return undefined;
}
