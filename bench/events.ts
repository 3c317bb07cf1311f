/** The link and the events of the benchmarks: COMM-010 with one consumer, events of 310 bytes. */
import { randomUUIDv7 } from 'node:crypto';
import { HiringLinks } from '../gen/hiring/v1/links_pb.ts';
import { encodeText } from '../link/contracts/contract.ts';
import type { LinkDefinition, LinkKind, Transport } from '../link/link.ts';
import { legOf } from '../link/link.ts';
import { enqueue } from '../link/outbox/enqueue.ts';
import type { Message } from '../link/outbox/message.ts';
import type { Database } from '../runtime/postgres.ts';
import { links } from '../services/links.ts';

/** The size of every event, as in the measurements that the goals come from. */
export const EVENT_BYTES = 310;
/** Messages per transaction when an outbox is filled. */
const FILL_BATCH = 1_000;

const comm010 = links['COMM-010'];
const created = comm010.contracts.find((contract) => contract.event === 'ManagerCreated')!;

export const CONSUMER = 'hiring';
export const LEG = legOf(comm010.id, CONSUMER);

/**
 * COMM-010 to hiring alone, starting with `transport`; as a functional link every event counts
 * once.
 */
export function benchLink(transport: Transport, kind: LinkKind = 'formal'): LinkDefinition {
  return {
    ...comm010,
    // Its newest version alone, so that nicknames may have any length.
    mappings: [],
    kind,
    consumers: { [CONSUMER]: { push: HiringLinks.method.putManager } },
    starts: { transport, version: created.version },
  };
}

/** A new manager, as a message whose event has EVENT_BYTES bytes. */
export function newMessage(): Message {
  const payload = {
    manager_replication_id: randomUUIDv7(),
    nickname: NICKNAME,
    created_at: new Date().toISOString(),
  };
  return { event: created.event, version: 1n, payload };
}

/** An event with its id, as a publisher without an outbox would make it. */
export function newEvent(): { eventId: string; key: string; text: string } {
  const { payload } = newMessage();
  const eventId = randomUUIDv7();
  return { eventId, key: payload.manager_replication_id as string, text: textOf(eventId, payload) };
}

function textOf(eventId: string, payload: Record<string, unknown>): string {
  return encodeText(created, {
    event_id: eventId,
    event_version: created.version,
    event_name: created.event,
    produced_at: new Date().toISOString(),
    payload,
  });
}

/** Just long enough to make the event EVENT_BYTES long. */
const NICKNAME = (() => {
  const payload = {
    manager_replication_id: randomUUIDv7(),
    nickname: '',
    created_at: new Date().toISOString(),
  };
  return 'a'.repeat(EVENT_BYTES - Buffer.byteLength(textOf(randomUUIDv7(), payload)));
})();

/** Puts `count` open messages of the link into the outbox, through the kit's own `enqueue`. */
export async function fillOutbox(
  sql: Database,
  link: LinkDefinition,
  count: number,
): Promise<void> {
  for (let filled = 0; filled < count; filled += FILL_BATCH) {
    const messages = Array.from({ length: Math.min(FILL_BATCH, count - filled) }, newMessage);
    await sql.begin((tx) => enqueue(tx, link, messages));
  }
}
