/** An owner that several tests share: what was lent to it is given back when it is told to. */
import { cleanUpAll } from '../../dev/servers/errors.ts';
import type { Owner } from './owner.ts';

export class Loans implements Owner {
  readonly #cleanUps: (() => Promise<void> | void)[] = [];

  after(cleanUp: () => Promise<void> | void): void {
    this.#cleanUps.push(cleanUp);
  }

  /** In the order of the loans, as the hooks of a test run. */
  async giveBack(): Promise<void> {
    const cleanUps = this.#cleanUps.splice(0);
    await cleanUpAll(
      'giving back what tests shared',
      cleanUps.map((cleanUp) => async () => await cleanUp()),
    );
  }
}
