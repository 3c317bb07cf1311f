/** The raw limit that drains are measured against: publishing with message ids and nothing else. */

import { laneOf, subjectOf } from '../link/link.ts';
import { Publisher } from '../link/transport/jetStream/publisher.ts';
import { HEADER } from '../link/wire/headers.ts';
import type { NatsConnection } from '../runtime/nats.ts';
import { newEvent } from './events.ts';

/** The relay's own batches: 1,000 messages, two in flight. */
const BATCH = 1_000;
const IN_FLIGHT = 2;

/** Publishes `events` to the stream and waits for every acknowledgement. */
export async function publishRaw(
  nats: NatsConnection,
  stream: string,
  events: readonly ReturnType<typeof newEvent>[],
): Promise<void> {
  const publisher = new Publisher(nats);
  let next = 0;
  const publishOn = async () => {
    while (next < events.length) {
      const batch = events.slice(next, next + BATCH);
      next += BATCH;
      const results = await publisher.publish(
        batch.map(({ eventId, key, text }) => ({
          subject: subjectOf(stream, laneOf(key), 0, 'ManagerCreated'),
          headers: `${HEADER.messageId}: ${eventId}\r\n`,
          body: text,
        })),
      );
      const failed = results.find((result) => result.kind !== 'stored');
      if (failed) throw new Error(`raw publish: ${JSON.stringify(failed)}`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, publishOn));
  publisher.stop();
}

export function newEvents(count: number): ReturnType<typeof newEvent>[] {
  return Array.from({ length: count }, newEvent);
}
