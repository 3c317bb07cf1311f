/** Maps outcomes between their names in the kit and their numbers on the wire. */
import { Outcome } from '../../gen/relink/v1/receipt_pb.ts';
import type { ReceiptOutcome } from './receipt.ts';

const WIRE: Record<ReceiptOutcome, Outcome> = {
  applied: Outcome.APPLIED,
  superseded: Outcome.SUPERSEDED,
  duplicate: Outcome.DUPLICATE,
  dead: Outcome.DEAD,
  parked: Outcome.PARKED,
  retry: Outcome.RETRY,
  fenced: Outcome.FENCED,
};

const NAMES = new Map(
  Object.entries(WIRE).map(([name, wire]) => [wire, name as ReceiptOutcome] as const),
);

export function outcomeToWire(outcome: ReceiptOutcome): Outcome {
  return WIRE[outcome];
}

/** Undefined for an outcome that this side does not know; the message then stays open. */
export function outcomeFromWire(outcome: Outcome): ReceiptOutcome | undefined {
  return NAMES.get(outcome);
}
