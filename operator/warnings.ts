/** What is wrong with a leg, judged by its two sides and the stream. */
import type { Transport } from '../link/link.ts';

/** Messages that do not get further now, and why the one does not that waits longest. */
export interface BlockedMessages {
  readonly count: number;
  readonly reason: string;
  readonly forMs: number;
}

export interface LegState {
  readonly consumer: string;
  /** Whether a run holds the leg; then both routes are open on purpose. */
  readonly isMoving: boolean;
  /** Whether the consumer answers. */
  readonly isUp: boolean;
  readonly isListening: boolean;
  readonly hasDurable: boolean;
  /** Why the stream is not there or not known, or empty. */
  readonly streamProblem: string;
  /** Where the stream or the durable consumer is not as the link wants it, in words. */
  readonly streamDifferences: readonly string[];
  /** By which the lanes' owners dispatch. */
  readonly transports: ReadonlySet<Transport | undefined>;
  readonly unownedLanes: number;
  readonly deadLetters: number;
  /** What bypassed the outbox; empty when nothing did. */
  readonly unrouted: string;
  /** What the consumer lost, and what to do; empty when nothing. */
  readonly lost: string;
  readonly blocked: BlockedMessages;
  /** Why the consumer consumes nothing for a while, or empty. */
  readonly pausedReason: string;
  /** What is wrong with the contracts of either side. */
  readonly contractAlarms: readonly string[];
  /** Why the consumer listens and gets nothing from the stream, or empty. */
  readonly bindProblem: string;
}

export function legWarnings(leg: LegState): string[] {
  const { consumer, isMoving, transports } = leg;
  const warnings: string[] = [];
  const sends = transports.has('async');
  if (!leg.isUp) warnings.push(`${consumer} does not answer`);
  if (leg.isUp && sends && !leg.isListening)
    warnings.push(`the producer emits, but ${consumer} does not listen`);
  if (leg.isListening && !sends && !isMoving)
    warnings.push(`starving consumer: ${consumer} listens where nobody sends`);
  if (sends && leg.streamProblem === '' && !leg.hasDurable)
    warnings.push(`the stream has no durable consumer for ${consumer}`);
  if (sends && leg.streamProblem !== '') warnings.push(leg.streamProblem);
  if (sends || leg.isListening) warnings.push(...leg.streamDifferences);
  if (sends && leg.isListening && leg.bindProblem !== '')
    warnings.push(`${consumer} gets nothing from the stream: ${leg.bindProblem}`);
  if (leg.pausedReason !== '')
    warnings.push(
      `${consumer} pauses and tries again by itself, messages of many keys fail: ${leg.pausedReason}`,
    );
  if (leg.blocked.count > 0) warnings.push(describeBlocked(leg.blocked));
  if (leg.unownedLanes > 0) warnings.push(`${leg.unownedLanes} lanes have no live relay`);
  if (leg.lost !== '') warnings.push(`${consumer}'s database lost ${leg.lost}`);
  if (leg.unrouted !== '') warnings.push(`unrouted writer: ${leg.unrouted}`);
  warnings.push(...leg.contractAlarms);
  if (leg.deadLetters > 0)
    warnings.push(`${leg.deadLetters} dead letters wait for a person: relink dead-letters list`);
  return warnings;
}

function describeBlocked({ count, reason, forMs }: BlockedMessages): string {
  const messages = count === 1 ? '1 message waits' : `${count} messages wait`;
  return `${messages}, the longest for ${Math.round(forMs / 1_000)} s: ${reason}`;
}
