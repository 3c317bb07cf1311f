/**
 * Acknowledges a batch in one write. nats.js encodes each acknowledgement alone, into an array of its
 * own, which is a tenth of a consumer's work.
 */
import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

/** The internals of nats.js's connection that take ready commands; the test beside this file pins them. */
interface Commands {
  readonly protocol?: { readonly sendCommand?: (bytes: Uint8Array) => void };
}

const ACK = ' 4\r\n+ACK\r\n';

/** As `ack()` of each. */
export function acknowledge(nats: NatsConnection, messages: readonly JsMsg[]): void {
  const { protocol } = nats as Commands;
  if (nats.isClosed() || nats.isDraining() || !protocol?.sendCommand)
    for (const message of messages) message.ack();
  else if (messages.length > 0)
    protocol.sendCommand(Buffer.from(`PUB ${messages.map(replyOf).join(`${ACK}PUB `)}${ACK}`));
}

function replyOf(message: JsMsg): string {
  return (message as unknown as { reply: string }).reply;
}
