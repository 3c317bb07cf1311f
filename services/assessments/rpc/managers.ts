/** Managers: each command is one transaction, and returns the state of its deliveries. */
import { randomUUIDv7 } from 'node:crypto';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Database } from 'relink';
import { type Handlers, RpcError, unknownId } from 'relink/rpc';
import type { AssessmentsService } from '../../../gen/assessments/v1/assessments_service_pb.ts';
import type { ServiceContext } from '../../service.ts';
import {
  isSameRegistration,
  type Manager,
  managerCreated,
  managerUpdated,
  registerManager,
} from '../domain/manager.ts';
import { findManager, insertManager, renameManager } from '../store/managers.ts';

export function managerMethods({
  sql,
  kit,
}: Pick<ServiceContext, 'sql' | 'kit'>): Pick<
  Handlers<typeof AssessmentsService>,
  'registerManager' | 'updateManager' | 'getManager'
> {
  return {
    registerManager: async ({ managerId, firstName, lastName }) => {
      const id = managerId?.toLowerCase() ?? randomUUIDv7();
      const manager = registerManager(id, { firstName, lastName }, new Date());
      const messages = await sql
        .begin(async (tx) => {
          // Pipelined: both statements travel together, and the second undoes itself with the first.
          const inserted = insertManager(tx, manager);
          const enqueued = kit.enqueue(tx, 'COMM-010', [managerCreated(manager)]);
          const [isNew, written] = await Promise.all([inserted, enqueued]);
          if (!isNew) throw new TakenError();
          return written;
        })
        .catch(ifTaken);
      if (!messages) return { manager: toWire(await requireSame(sql, manager)), deliveries: [] };
      return { manager: toWire(manager), deliveries: await kit.deliver(messages) };
    },
    updateManager: async ({ managerId, firstName, lastName }) => {
      const changed = await sql.begin(async (tx) => {
        const names = { ...(firstName && { firstName }), ...(lastName && { lastName }) };
        const manager = await renameManager(tx, managerId, names, new Date());
        if (!manager) return undefined;
        return { manager, messages: await kit.enqueue(tx, 'COMM-010', [managerUpdated(manager)]) };
      });
      if (!changed) throw unknownId('manager_id', 'manager');
      return { manager: toWire(changed.manager), deliveries: await kit.deliver(changed.messages) };
    },
    getManager: async ({ managerId }) => {
      const manager = await findManager(sql, managerId);
      if (!manager) throw unknownId('manager_id', 'manager');
      return { manager: toWire(manager) };
    },
  };
}

/** Rolls the transaction back: the id or its nickname is registered already. */
class TakenError extends Error {}

function ifTaken(error: unknown): undefined {
  if (error instanceof TakenError) return undefined;
  throw error;
}

/** A repeated registration returns what the first one made, if it is for the same manager. */
async function requireSame(sql: Database, wanted: Manager): Promise<Manager> {
  const manager = await findManager(sql, wanted.id);
  if (manager && isSameRegistration(manager, wanted)) return manager;
  const what = manager
    ? 'this manager_id is registered with other names'
    : `another manager is called ${wanted.nickname}, which follows from this manager_id; use a new id`;
  throw new RpcError('ALREADY_EXISTS', 'ID_TAKEN', what);
}

function toWire(manager: Manager) {
  return {
    managerId: manager.id,
    firstName: manager.firstName,
    lastName: manager.lastName,
    nickname: manager.nickname,
    version: manager.version,
    createdAt: timestampFromDate(manager.createdAt),
    updatedAt: timestampFromDate(manager.updatedAt),
  };
}
