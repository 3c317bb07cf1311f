/** Keeps the registry of contracts up to date with what the processes say of themselves. */
import type { Participants } from '../../migration/participants.ts';
import type { Agent } from '../../runtime/lifecycle.ts';
import type { Log } from '../../runtime/log.ts';
import { type Repeater, repeat } from '../../runtime/wake.ts';
import { type ContractAlarm, findAlarms } from './pairs.ts';
import type { ContractRegistry } from './registry.ts';
import { type Look, lookAround } from './sightings.ts';

/** Contracts change with releases: this only bounds how short-lived a process may be unseen. */
const EVERY_MS = 10_000;

export interface RegistrarOptions {
  readonly participants: Participants;
  readonly registry: ContractRegistry;
  readonly log: Log;
}

export class Registrar implements Agent {
  readonly name = 'contract registrar';
  readonly #options: RegistrarOptions;
  #repeater: Repeater | undefined;
  #alarms: readonly ContractAlarm[] = [];

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  start(): void {
    const { log } = this.#options;
    this.#repeater ??= repeat(
      EVERY_MS,
      async () => void (await this.look()),
      (error) => log.warn({ err: error }, 'contracts could not be registered'),
    );
  }

  async stop(): Promise<void> {
    await this.#repeater?.stop();
  }

  /** As of the last look. */
  get alarms(): readonly ContractAlarm[] {
    return this.#alarms;
  }

  /** Asks every process now, and notes what they say. */
  async look(): Promise<Look> {
    const { participants, registry } = this.#options;
    const look = await lookAround(participants);
    await registry.record(look.sightings);
    const [registered, retired] = await Promise.all([registry.registered(), registry.retired()]);
    this.#alarms = findAlarms(look.sightings, { registered, retired });
    return look;
  }
}
