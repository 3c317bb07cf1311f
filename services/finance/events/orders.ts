/** COMM-080 at finance: moves the money that bonuses orders. An order counts once, by its message id. */
import { type BusinessEvent, functional, type Transaction } from 'relink';
import type { LinkEvent } from '../../links.ts';
import type { Transfer } from '../domain/transfer.ts';
import { insertTransfer } from '../store/transfers.ts';

type Order = LinkEvent<'COMM-080'>;

/** Transfers are only added, and the limit of their sum holds however many are added at once. */
export const transferMoney = functional<Order>(
  {
    CreditToAccount: (tx, order) => transfer(tx, 'credit', order),
    DebitFromAccount: (tx, order) => transfer(tx, 'debit', order),
  },
  { independentKeys: true },
);

async function transfer(
  tx: Transaction,
  kind: Transfer['kind'],
  { eventId, payload }: BusinessEvent<Order>,
): Promise<undefined> {
  const amountMinor = BigInt(payload.amount_minor);
  if (amountMinor <= 0n) throw new Error('an order must move an amount above zero');
  const wanted: Transfer = {
    id: payload.transfer_id,
    idempotencyKey: eventId,
    kind,
    accountId: payload.account_id,
    amountMinor,
    link: 'COMM-080',
    madeAt: new Date(),
  };
  if (await insertTransfer(tx, wanted)) return;
  throw new Error('the id of this message is already an idempotency key of the API');
}
