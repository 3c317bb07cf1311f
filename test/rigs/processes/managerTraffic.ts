/** Managers who are registered and renamed until the test's end: traffic of one formal link. */
import { pause } from '../../../runtime/wake.ts';
import type { ServiceClients } from './clients.ts';
import { PACE_MS } from './pace.ts';

export class ManagerTraffic {
  readonly #assessments: ServiceClients['assessments'];
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();
  readonly ids: string[] = [];
  /** Managers that are never renamed: no live event replaces what is lost of them. */
  readonly quiet: string[] = [];
  updates = 0;

  constructor(clients: ServiceClients) {
    this.#assessments = clients.assessments;
  }

  async start(managers: number): Promise<void> {
    for (let i = 0; i < managers; i += 1) {
      const { manager } = await this.#assessments.registerManager({
        firstName: 'Ada',
        lastName: `Lovelace ${i}`,
      });
      (i % 2 === 0 ? this.ids : this.quiet).push(manager!.managerId);
    }
    this.#running = this.#rename();
    this.#running.catch(() => {}); // `stop` awaits it and reports
  }

  async #rename(): Promise<void> {
    while (!this.#isStopping) {
      const managerId = this.ids[this.updates % this.ids.length]!;
      this.updates += 1;
      await pause(PACE_MS);
      await this.#assessments.updateManager({
        managerId,
        firstName: 'Ada',
        lastName: `Lovelace ${this.updates}`,
      });
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }
}
