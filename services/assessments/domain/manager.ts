/** A manager, and the business facts about one. */

import type { Message } from 'relink';
import type { ManagerCreatedV1, ManagerUpdatedV1 } from '../../../gen/events.ts';
import { nicknameOf } from '../../mappings/nicknames.ts';

export interface Manager {
  readonly id: string;
  readonly version: bigint;
  readonly firstName: string;
  readonly lastName: string;
  /** What others call the manager: the names stay here. */
  readonly nickname: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface Names {
  readonly firstName: string;
  readonly lastName: string;
}

export function registerManager(id: string, names: Names, now: Date): Manager {
  const nickname = nicknameOf(id);
  return { id, version: 1n, ...names, nickname, createdAt: now, updatedAt: now };
}

/** Whether registering again with this id means the same manager. */
export function isSameRegistration(manager: Manager, names: Names): boolean {
  return manager.firstName === names.firstName && manager.lastName === names.lastName;
}

/** The fields of version 0 that the events lack, for builds that still write it. */
export function namesToWire({ firstName, lastName }: Names) {
  return { first_name: firstName, last_name: lastName };
}

/** COMM-010: the state after registering; a backfill sends the same for every manager. */
export function managerCreated(manager: Manager): Message<ManagerCreatedV1> {
  const payload = {
    manager_replication_id: manager.id,
    nickname: manager.nickname,
    created_at: manager.createdAt.toISOString(),
  };
  const complement = namesToWire(manager);
  return { event: 'ManagerCreated', version: manager.version, payload, complement };
}

/** COMM-010: the state after a change. */
export function managerUpdated(manager: Manager): Message<ManagerUpdatedV1> {
  const payload = {
    manager_replication_id: manager.id,
    nickname: manager.nickname,
    updated_at: manager.updatedAt.toISOString(),
  };
  const complement = namesToWire(manager);
  return { event: 'ManagerUpdated', version: manager.version, payload, complement };
}
