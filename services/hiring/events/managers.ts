/** COMM-010 at hiring: keeps the newest state of every manager. */
import { type Came, keepNewest } from 'relink';
import type { LinkEvent } from '../../links.ts';
import { managerReplica } from '../store/managerReplicas.ts';

type ManagerEvent = LinkEvent<'COMM-010'>;

export const putManagers = keepNewest<ManagerEvent>(managerReplica, {
  ManagerCreated: valuesOf,
  ManagerUpdated: valuesOf,
});

/** Version 0 brings the names, too. */
function valuesOf({ nickname }: ManagerEvent['payload'], { older }: Came) {
  return { ...older, nickname };
}
