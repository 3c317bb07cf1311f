/**
 * The effect of a functional handler that can be compared: what it wrote to the outbox. Times are
 * left out, because two runs of a handler never happen at the same one, and versions, because other
 * messages may come between.
 */
import type { Transaction } from '../../runtime/postgres.ts';
import { payloadHash } from '../contracts/payloadHash.ts';
import type { WrittenMessage } from '../outbox/written.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Hash of the messages that one run of a handler wrote, whatever their order. */
export function effectOf(eventId: string, written: readonly WrittenMessage[]): bigint {
  const texts = written.map(({ link, message: { event, payload } }) =>
    JSON.stringify([link, event, payload], withoutTime),
  );
  return payloadHash(eventId, texts.sort().join('\n'));
}

function withoutTime(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'string' && TIME.test(value) ? 'time' : value;
}

export async function saveEffect(
  tx: Transaction,
  link: string,
  eventId: string,
  effect: bigint,
): Promise<void> {
  await tx`insert into relink.effects (event_id, link, effect)
    values (${eventId}, ${link}, ${effect}) on conflict do nothing`;
}
