/** Compares what bonuses ordered with what finance moved, order by order. */

/** A booking that finance has to move money for. */
export interface Payout {
  readonly id: string;
  readonly kind: 'credit' | 'debit';
  readonly accountId: string;
  readonly amountMinor: bigint;
  /** Finance has not confirmed it: it may have moved the money or not. */
  readonly isOpen: boolean;
}

export type Moved = Omit<Payout, 'isOpen'>;

export interface Comparison {
  readonly problems: readonly string[];
  /** Transfers without a payout among those given: booked later, or never. */
  readonly unordered: readonly string[];
}

/** `moved` must have been read after `payouts`: what was confirmed by then must be in it. */
export function compareWithFinance(
  payouts: readonly Payout[],
  moved: readonly Moved[],
): Comparison {
  const left = new Map(moved.map((one) => [one.id, one]));
  const problems: string[] = [];
  for (const payout of payouts) {
    const transfer = left.get(payout.id);
    left.delete(payout.id);
    if (transfer && !isEqual(transfer, payout))
      problems.push(
        `finance moved ${describe(transfer)} for booking ${payout.id}, not ${describe(payout)}`,
      );
    if (!transfer && !payout.isOpen)
      problems.push(`finance has not moved ${describe(payout)} for booking ${payout.id}`);
  }
  return { problems, unordered: [...left.keys()] };
}

function isEqual(one: Moved, other: Moved): boolean {
  return describe(one) === describe(other);
}

function describe({ kind, amountMinor, accountId }: Moved): string {
  return `a ${kind} of ${amountMinor} on ${accountId}`;
}
