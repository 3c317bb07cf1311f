/** A manager, and the business facts about one. */

import type { Message } from 'relink';
import type { ManagerCreatedV0, ManagerUpdatedV0 } from '../../../gen/events.ts';

export interface Manager {
  readonly id: string;
  readonly version: bigint;
  readonly firstName: string;
  readonly lastName: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface Names {
  readonly firstName: string;
  readonly lastName: string;
}

export function registerManager(id: string, names: Names, now: Date): Manager {
  return { id, version: 1n, ...names, createdAt: now, updatedAt: now };
}

/** Whether registering again with this id means the same manager. */
export function isSameRegistration(manager: Manager, names: Names): boolean {
  return manager.firstName === names.firstName && manager.lastName === names.lastName;
}

/** COMM-010: the state after registering; a backfill sends the same for every manager. */
export function managerCreated(manager: Manager): Message<ManagerCreatedV0> {
  const payload = {
    manager_replication_id: manager.id,
    first_name: manager.firstName,
    last_name: manager.lastName,
    created_at: manager.createdAt.toISOString(),
  };
  return { event: 'ManagerCreated', version: manager.version, payload };
}

/** COMM-010: the state after a change. */
export function managerUpdated(manager: Manager): Message<ManagerUpdatedV0> {
  const payload = {
    manager_replication_id: manager.id,
    first_name: manager.firstName,
    last_name: manager.lastName,
    updated_at: manager.updatedAt.toISOString(),
  };
  return { event: 'ManagerUpdated', version: manager.version, payload };
}
