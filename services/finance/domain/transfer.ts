/** Money that is moved by an order. */
export interface Transfer {
  readonly id: string;
  /** Of the order: it counts once. */
  readonly idempotencyKey: string;
  readonly kind: 'credit' | 'debit';
  readonly accountId: string;
  /** Above zero, in minor units of the account's currency. */
  readonly amountMinor: bigint;
  /** The link that brought the order; empty when it came by the API. */
  readonly link: string;
  readonly madeAt: Date;
}

/** Whether an order with the same idempotency key is the same order. */
export function isSameOrder(transfer: Transfer, order: Transfer): boolean {
  return (
    transfer.kind === order.kind &&
    transfer.accountId === order.accountId &&
    transfer.amountMinor === order.amountMinor &&
    transfer.link === order.link
  );
}

/** The largest sum of credits, or of debits, that a statement can state: an int64. */
export const TOTAL_MAX_MINOR = 2n ** 63n - 1n;

/** With this order all credits, or all debits, would sum to more than a statement can state. */
export class TotalTooLarge extends Error {
  constructor(kind: Transfer['kind']) {
    super(`all ${kind}s would sum to more than ${TOTAL_MAX_MINOR} minor units: nothing was moved`);
    this.name = 'TotalTooLarge';
  }
}
