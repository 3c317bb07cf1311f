/** COMM-010 at bonuses: keeps the newest state of every manager. */
import { keepNewest } from 'relink';
import type { LinkEvent } from '../../links.ts';
import { managerReplica } from '../store/managerReplicas.ts';

type ManagerEvent = LinkEvent<'COMM-010'>;

export const putManagers = keepNewest<ManagerEvent>(managerReplica, {
  ManagerCreated: namesOf,
  ManagerUpdated: namesOf,
});

function namesOf({ first_name, last_name }: ManagerEvent['payload']) {
  return { first_name, last_name };
}
