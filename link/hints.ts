/**
 * Hints wake the processes of one service over core NATS: rows were committed whose lanes another
 * process owns, or what the database says about routes and listening was changed. A hint may be
 * lost: everything it says is also found by polling, only later.
 */
import { keepSubscribed, type NatsConnection, type StandingSubscription } from '../runtime/nats.ts';

/** `wake`: there are rows to read. `follow`: routes changed, or what is listened to. */
export type Hint = 'wake' | 'follow';

export function sendHint(nats: NatsConnection, hint: Hint, service: string): void {
  if (!nats.isClosed()) nats.publish(subjectOf(hint, service));
}

export function onHint(
  nats: NatsConnection,
  hint: Hint,
  service: string,
  run: () => void,
  onProblem: (problem: unknown) => void,
): StandingSubscription {
  return keepSubscribed(nats, subjectOf(hint, service), run, onProblem);
}

function subjectOf(hint: Hint, service: string): string {
  return `relink.${hint}.${service}`;
}
