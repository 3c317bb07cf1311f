/**
 * Remembers what each transaction wrote to the outbox, so that whoever commits it can wake the
 * relay, and so that the effects of two runs of a handler can be compared.
 */
import type { Transaction } from '../../runtime/postgres.ts';
import type { Message } from './message.ts';

/** One message as it was written, on all its legs. */
export interface WrittenMessage {
  readonly link: string;
  readonly lane: number;
  readonly message: Message;
}

const written = new WeakMap<Transaction, WrittenMessage[]>();

export function noteWritten(tx: Transaction, messages: readonly WrittenMessage[]): void {
  const known = written.get(tx);
  if (known) known.push(...messages);
  else written.set(tx, [...messages]);
}

/** The messages written in the transaction so far, in their order. */
export function writtenIn(tx: Transaction): readonly WrittenMessage[] {
  return written.get(tx) ?? [];
}
