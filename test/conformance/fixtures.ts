/**
 * How to exercise each link: what a business transaction of its producer does, how its consumers
 * apply it, and which rows of both sides must agree in the end. A link of `services/links.ts` without
 * a fixture here fails the conformance suite, which says so.
 */
import type { Handler } from '../../link/inbox/handler.ts';
import type { Message } from '../../link/outbox/enqueue.ts';
import type { Transaction } from '../../runtime/postgres.ts';
import {
  managerCreated,
  managerUpdated,
  registerManager,
} from '../../services/assessments/domain/manager.ts';
import { insertManager, renameManager } from '../../services/assessments/store/managers.ts';
import { putManagers as putAtBonuses } from '../../services/bonuses/events/managers.ts';
import { putManagers as putAtHiring } from '../../services/hiring/events/managers.ts';

/** A table whose rows say what was committed, or what it had as its effect. */
export interface StateTable {
  readonly table: string;
  readonly key: string;
  readonly version: string;
  /** Columns that both sides have, compared as text. */
  readonly columns: readonly string[];
}

export interface LinkFixture {
  /** One business transaction on a key: makes it or changes it. Its version rises by one. */
  readonly act: (tx: Transaction, key: string, text: string) => Promise<Message>;
  readonly source: StateTable;
  readonly replicas: Readonly<Record<string, StateTable>>;
  readonly handlers: Readonly<Record<string, Handler>>;
}

const managerColumns = { key: 'id', version: 'version', columns: ['first_name', 'last_name'] };

const fixtures: Readonly<Record<string, LinkFixture>> = {
  'COMM-010': {
    act: async (tx, key, text) => {
      const names = { firstName: text, lastName: 'Lovelace' };
      const manager = registerManager(key, names, new Date());
      if (await insertManager(tx, manager)) return managerCreated(manager);
      return managerUpdated((await renameManager(tx, key, names, new Date()))!);
    },
    source: { table: 'managers', ...managerColumns },
    replicas: {
      hiring: { table: 'manager_replicas', ...managerColumns },
      bonuses: { table: 'manager_replicas', ...managerColumns },
    },
    handlers: { hiring: putAtHiring, bonuses: putAtBonuses },
  },
};

/** @throws when nobody told how to exercise the link */
export function fixtureOf(link: string): LinkFixture {
  const fixture = fixtures[link];
  if (!fixture) throw new Error(`${link} has no fixture in test/conformance/fixtures.ts: add one`);
  return fixture;
}
