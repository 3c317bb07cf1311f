/**
 * What the NATS server does not let this process publish or subscribe to. The client tells it once, as a
 * status of the connection; the call that needed it only gets no answer.
 */
import { PermissionViolationError } from '@nats-io/transport-node';
import type { NatsConnection } from '../../../runtime/nats.ts';

/** Whatever is refused is tried again sooner. */
const FRESH_MS = 60_000;
/** Subjects that are remembered; those of acknowledgements are many. */
const REMEMBERED = 1_000;

interface Refusal {
  readonly operation: string;
  readonly atMs: number;
}

export class BrokerRefusals {
  /** By subject; the newest comes last. */
  readonly #seen = new Map<string, Refusal>();

  constructor(nats: NatsConnection) {
    void this.#follow(nats);
  }

  /** What is refused lately of what the link needs, in words; undefined when nothing is. */
  of(link: string): string | undefined {
    return this.#last((subject) => isOf(link, subject) || subject.startsWith('_INBOX.'));
  }

  /** The same of any link. */
  get any(): string | undefined {
    return this.#last(() => true);
  }

  #last(isWanted: (subject: string) => boolean): string | undefined {
    const sinceMs = performance.now() - FRESH_MS;
    const found = [...this.#seen].findLast(([one, { atMs }]) => atMs >= sinceMs && isWanted(one));
    if (!found) return undefined;
    const [subject, { operation }] = found;
    const what = operation === 'publish' ? 'publish' : 'subscribe';
    return `the NATS server does not let this service ${what} to ${subject}: give its user the permission`;
  }

  async #follow(nats: NatsConnection): Promise<void> {
    for await (const status of nats.status())
      if (status.type === 'error' && status.error instanceof PermissionViolationError)
        this.#note(status.error);
  }

  #note({ operation, subject }: PermissionViolationError): void {
    this.#seen.delete(subject);
    this.#seen.set(subject, { operation, atMs: performance.now() });
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > REMEMBERED) this.#seen.delete(oldest!);
  }
}

/** The stream's own subjects, and those of JetStream's API that name it. */
function isOf(link: string, subject: string): boolean {
  return subject.split('.').includes(link);
}
