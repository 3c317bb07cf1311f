/** COMM-080 at finance: moves the money that bonuses orders. An order counts once, by its message id. */
import type { CreditToAccountV0, DebitFromAccountV0 } from '../../../gen/events.ts';
import { functional } from '../../../link/inbox/handler.ts';
import type { Transfer } from '../domain/transfer.ts';
import { insertTransfer } from '../store/transfers.ts';

type Order = (CreditToAccountV0 | DebitFromAccountV0)['payload'];

export const transferMoney = functional(async (tx, event) => {
  const order = event.payload as Order;
  const amountMinor = BigInt(order.amount_minor);
  if (amountMinor <= 0n) throw new Error('an order moves an amount above zero');
  const transfer: Transfer = {
    id: order.transfer_id,
    idempotencyKey: event.eventId,
    kind: event.event === 'CreditToAccount' ? 'credit' : 'debit',
    accountId: order.account_id,
    amountMinor,
    link: 'COMM-080',
    madeAt: new Date(),
  };
  if (await insertTransfer(tx, transfer)) return;
  throw new Error('the id of this message was used before as an idempotency key of the API');
});
