/**
 * Rows are stored as the contract version has them that brought them, until a completed migration
 * removes what the older form needs. A message in that version may still come, from a producer that
 * nobody migrated: it says the same in the next form, so its row is stored in the oldest that is left.
 */
import type { Change, FormalHandler } from './handler.ts';

export class HeldForms {
  readonly #read: () => Promise<number>;
  readonly #last: number;
  #oldest = 0;
  #looking: Promise<void> | undefined;

  /**
   * `read` answers the oldest version in whose form the database holds rows; `last` is the oldest
   * that will be left when everything is removed.
   */
  constructor(read: () => Promise<number>, last: number) {
    this.#read = read;
    this.#last = last;
  }

  look(): Promise<void> {
    this.#looking ??= this.#readOldest().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #readOldest(): Promise<void> {
    this.#oldest = await this.#read();
  }

  /** The handler; what fails because a form was removed since is stored at one of the next attempts. */
  wrap(handler: FormalHandler): FormalHandler {
    return {
      ...handler,
      oldestForm: () => this.#oldest,
      apply: async (tx, changes) => {
        try {
          return await handler.apply(tx, changes);
        } catch (error) {
          if (changes.some((one) => this.#mayBeRemoved(one))) this.#lookAgain();
          throw error;
        }
      },
    };
  }

  #mayBeRemoved({ contractVersion }: Change): boolean {
    return contractVersion < this.#last;
  }

  /** Not waited for: the transaction that failed holds a connection, and there may be no other. */
  #lookAgain(): void {
    this.look().catch(() => {}); // the next failure looks again
  }
}
