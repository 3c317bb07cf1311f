/** COMM-010 at hiring: keeps the newest state of every manager. */
import { type Came, keepNewest } from 'relink';
import type { LinkEvent } from '../../links.ts';
import { managerReplica } from '../store/managerReplicas.ts';

type ManagerEvent = LinkEvent<'COMM-010'>;

export const putManagers = keepNewest<ManagerEvent>(managerReplica, {
  ManagerCreated: valuesOf,
  ManagerUpdated: valuesOf,
});

/** Version 0 brings the names; the nickname then follows from the id. */
function valuesOf({ nickname }: ManagerEvent['payload'], { contractVersion, older }: Came) {
  return contractVersion === 0 ? { ...older, nickname: null } : { nickname };
}
