/**
 * Commands of the NATS protocol, written into the client's connection as text: many of them at once,
 * where the client would encode each alone.
 */
import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

/** The inside of the client that sends a command as it is; the tests beside this file pin it. */
interface ClientCore {
  readonly protocol: {
    sendCommand(command: Uint8Array): void;
    readonly noMorePublishing: boolean;
  };
}

/** @throws Error when the connection is closed */
export function sendCommands(nats: NatsConnection, commands: string): void {
  const { protocol } = nats as unknown as ClientCore;
  if (nats.isClosed() || protocol.noMorePublishing)
    throw new Error('the connection to NATS is closed');
  if (commands !== '') protocol.sendCommand(Buffer.from(commands));
}

/** As `ack()` of each message. @throws Error when the connection is closed */
export function acknowledge(nats: NatsConnection, messages: readonly JsMsg[]): void {
  const replies = messages.map((message) => (message as unknown as { reply: string }).reply);
  sendCommands(nats, replies.map((reply) => `PUB ${reply} 4\r\n+ACK\r\n`).join(''));
}
