/** The API of hiring. */
import type { HiringService } from '../../../gen/hiring/v1/hiring_service_pb.ts';
import { unknownId } from '../../../link/rpc/errors.ts';
import type { Handlers } from '../../../link/rpc/handlers.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { findManagerReplica } from '../store/managerReplicas.ts';

export function hiringHandlers({ sql }: { sql: Database }): Handlers<typeof HiringService> {
  return {
    getManagerReplica: async ({ managerId }) => {
      const manager = await findManagerReplica(sql, managerId);
      if (!manager) throw unknownId('manager_id', 'manager replica');
      const { id, firstName, lastName, version } = manager;
      return { manager: { managerId: id, firstName, lastName, version } };
    },
  };
}
