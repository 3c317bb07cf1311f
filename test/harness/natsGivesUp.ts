/**
 * Loaded before a program (`node --import`): its NATS client gives up for good with the first
 * connection that it loses. With relink's settings no server brings the client to that; its
 * authors may.
 */
import { createRequire } from 'node:module';

interface Connection {
  close(error?: Error): Promise<void>;
}

const ofClient = createRequire(import.meta.resolve('@nats-io/transport-node'));
const { ProtocolHandler } = ofClient('@nats-io/nats-core/internal') as {
  ProtocolHandler: { prototype: Connection & { disconnected(error?: Error): Promise<void> } };
};
ProtocolHandler.prototype.disconnected = function (this: Connection) {
  return this.close(new Error('the client gave up'));
};
