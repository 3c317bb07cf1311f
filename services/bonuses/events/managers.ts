/** COMM-010 at bonuses: keeps the newest state of every manager. */
import { keepNewest } from '../../../link/inbox/replica.ts';
import { managerReplica } from '../store/managerReplicas.ts';

export const putManagers = keepNewest(managerReplica, ({ first_name, last_name }) => ({
  first_name,
  last_name,
}));
