/** THE MAP: every link of the company on one page. How to add one: README, "Add a link". */
import { BonusesLinks } from '../gen/bonuses/v1/links_pb.ts';
import { managerCreatedV0, managerUpdatedV0 } from '../gen/events.ts';
import { HiringLinks } from '../gen/hiring/v1/links_pb.ts';
import { defineContract } from '../link/contracts/contract.ts';
import { defineLinks } from '../link/link.ts';

const contract = (event: { message: Parameters<typeof defineContract>[0]; schema: object }) =>
  defineContract(event.message, event.schema);

export const links = defineLinks([
  {
    id: 'COMM-010',
    kind: 'formal',
    entity: 'manager',
    producer: 'assessments',
    consumers: {
      hiring: { push: HiringLinks.method.putManager },
      bonuses: { push: BonusesLinks.method.putManager },
    },
    contracts: [contract(managerCreatedV0), contract(managerUpdatedV0)],
    keyField: 'manager_replication_id',
    starts: { transport: 'sync', version: 0 },
    transports: ['sync', 'async'],
  },
]);
