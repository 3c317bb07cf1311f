/**
 * The effect of a functional handler that can be compared: what it wrote to the outbox. Times are
 * left out, because two runs never happen at the same time, and so are versions, because other
 * messages may come in between.
 */
import type { Transaction } from '../../runtime/postgres.ts';
import { payloadHash } from '../contracts/payloadHash.ts';
import type { Basis } from '../inbox/handler.ts';
import type { WrittenMessage } from '../outbox/written.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

export interface Effect {
  /** Hash of the messages that one run of a handler wrote, whatever their order. */
  readonly effect: bigint;
  /** Hash of its basis: what else it read. */
  readonly basis: bigint;
}

export function effectOf(
  eventId: string,
  written: readonly WrittenMessage[],
  basis: Basis | undefined,
): Effect {
  const texts = written.map(({ link, message: { event, payload } }) =>
    JSON.stringify([link, event, payload], withoutTime),
  );
  return {
    effect: payloadHash(eventId, texts.sort().join('\n')),
    basis: payloadHash(eventId, JSON.stringify(basis ?? {}, withoutTime)),
  };
}

function withoutTime(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'string' && TIME.test(value) ? 'time' : value;
}

export async function saveEffect(
  tx: Transaction,
  link: string,
  eventId: string,
  { effect, basis }: Effect,
): Promise<void> {
  await tx`insert into relink.effects (event_id, link, effect, basis)
    values (${eventId}, ${link}, ${effect}, ${basis}) on conflict do nothing`;
}
