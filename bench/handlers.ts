/** The handlers of the consuming side, and a receiver that remembers when effects were committed. */
import type { Arrival } from '../link/inbox/delivery.ts';
import { type BusinessEvent, functional, type Handler } from '../link/inbox/handler.ts';
import { Receiver } from '../link/inbox/receiver.ts';
import type { LinkKind } from '../link/link.ts';
import type { Receipt } from '../link/wire/receipt.ts';
import type { Database, Transaction } from '../runtime/postgres.ts';
import type { LinkEvent } from '../services/links.ts';
import { putManagers } from '../services/managerReplicas.ts';
import { machineMs } from './measure.ts';

/** When the effect of each message was committed, by the clock that all processes share. */
export type Effects = [eventId: string, atMs: number][];

export class TimedReceiver extends Receiver {
  #effects: Effects = [];
  settled = 0;

  override async receive(arrivals: readonly Arrival[]): Promise<Receipt[]> {
    const receipts = await super.receive(arrivals);
    const atMs = machineMs();
    for (const { eventId } of arrivals) this.#effects.push([eventId, atMs]);
    this.settled += arrivals.length;
    return receipts;
  }

  /** What was committed since the last time. */
  take(): Effects {
    const taken = this.#effects;
    this.#effects = [];
    return taken;
  }
}

/** One statement per message: the simplest handler with business logic. */
const writeEffects = functional<LinkEvent<'COMM-010'>>(
  { ManagerCreated: writeEffect, ManagerUpdated: writeEffect },
  { independentKeys: true },
);

async function writeEffect(
  tx: Transaction,
  { eventId, key, payload }: BusinessEvent<LinkEvent<'COMM-010'>>,
): Promise<undefined> {
  await tx`insert into effects (event_id, manager_id, name)
    values (${eventId}, ${key}, ${payload.nickname})`;
}

export async function createEffects(sql: Database): Promise<void> {
  await sql`create table if not exists effects
    (event_id uuid primary key, manager_id uuid not null, name text not null)`;
}

/** Formal: the set-based handler of services/hiring. Functional: one statement per message. */
export function handlerOf(kind: LinkKind): Handler {
  return kind === 'formal' ? putManagers : writeEffects;
}
