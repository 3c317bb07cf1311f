/**
 * A stream keeps what was settled for people to look at, and refuses what is new when it is full. So
 * what every durable consumer has acknowledged is removed before that.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import { readStream } from '../../link/transport/jetStream/provision.ts';

/** From then on the oldest messages make room. */
const FULL_ENOUGH = 0.5;

export async function keepRoom(manager: JetStreamManager, link: string): Promise<void> {
  const stream = await readStream(manager, link);
  if (!stream || stream.config.max_bytes <= 0) return;
  if (stream.state.bytes < stream.config.max_bytes * FULL_ENOUGH) return;
  const floor = await findFloor(manager, link);
  if (floor >= stream.state.first_seq) await manager.streams.purge(link, { seq: floor + 1 });
}

/** Up to here every durable consumer has acknowledged; 0 where there is none. */
async function findFloor(manager: JetStreamManager, link: string): Promise<number> {
  const floors: number[] = [];
  for await (const { config, ack_floor } of manager.consumers.list(link))
    if (config.durable_name) floors.push(ack_floor.stream_seq);
  return floors.length > 0 ? Math.min(...floors) : 0;
}
