/** What a person must see: messages that no careful producer sends. */
import type { Log } from '../../runtime/log.ts';
import type { Database } from '../../runtime/postgres.ts';
import type { Receipt } from '../wire/receipt.ts';
import { bury } from './deadLetters.ts';
import type { DeadReason, Delivery } from './delivery.ts';

/** What a sender is told when it reuses a message id for a different payload. */
export const ID_REUSED = 'this message id was settled before with another payload';

const VERSION_PASSED = 'a new message came with a version that its key has passed';

export interface AlarmOptions {
  readonly sql: Database;
  readonly log: Log;
  readonly link: { readonly id: string };
  readonly onAlarm?: ((what: DeadReason, eventId: string) => void) | undefined;
}

/** Its dead letter is written already. */
export function alarmPassed({ log, link, onAlarm }: AlarmOptions, receipt: Receipt): void {
  const { eventId, detail } = receipt;
  log.fatal({ link: link.id, eventId, detail }, VERSION_PASSED);
  onAlarm?.('VERSION_PASSED', eventId);
}

export async function alarmReused(options: AlarmOptions, delivery: Delivery): Promise<void> {
  const { sql, log, link, onAlarm } = options;
  log.fatal({ link: link.id, eventId: delivery.eventId }, ID_REUSED);
  onAlarm?.('ID_REUSED', delivery.eventId);
  await sql.begin(async (tx) => {
    await bury(tx, delivery, { reason: 'ID_REUSED', detail: ID_REUSED, attempts: 1 });
  });
}
