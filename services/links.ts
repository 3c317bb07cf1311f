/** THE MAP: every link of the company on one page. How to add one: docs/recipes/add-a-link.md. */
import type { DescMessage } from '@bufbuild/protobuf';
import { defineContract, defineLinks, type EventOf } from 'relink';
import { AssessmentsLinks } from '../gen/assessments/v1/links_pb.ts';
import { BonusesLinks } from '../gen/bonuses/v1/links_pb.ts';
import * as events from '../gen/events.ts';
import { FinanceLinks } from '../gen/finance/v1/links_pb.ts';
import { HiringLinks } from '../gen/hiring/v1/links_pb.ts';
import { ManagementLinks } from '../gen/management/v1/links_pb.ts';
import { managerCreated, managerUpdated } from './mappings/nicknames.ts';
import { solutionCompleted } from './mappings/solutions.ts';
import { assessmentCreated, assessmentUpdated } from './mappings/titles.ts';

const contract = <Message extends DescMessage>(event: { message: Message; schema: object }) =>
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
    contracts: [managerCreated.newer, managerUpdated.newer],
    mappings: [managerCreated, managerUpdated],
    keyField: 'manager_replication_id',
    starts: { transport: 'sync', version: 0 },
    transports: ['sync', 'async'],
  },
  {
    id: 'COMM-020',
    kind: 'formal',
    entity: 'assessment',
    producer: 'assessments',
    consumers: { hiring: { push: HiringLinks.method.putAssessment } },
    contracts: [assessmentCreated.newer],
    mappings: [assessmentCreated],
    keyField: 'assessment_replication_id',
    starts: { transport: 'async', version: 0 },
    transports: ['async', 'sync'],
  },
  {
    id: 'COMM-021',
    kind: 'formal',
    entity: 'assessment',
    producer: 'assessments',
    consumers: { hiring: { push: HiringLinks.method.putChangedAssessment } },
    contracts: [assessmentUpdated.newer],
    mappings: [assessmentUpdated],
    keyField: 'assessment_replication_id',
    starts: { transport: 'async', version: 0 },
    transports: ['async', 'sync'],
  },
  {
    id: 'COMM-030',
    kind: 'formal',
    entity: 'candidate',
    producer: 'hiring',
    consumers: { management: { push: ManagementLinks.method.putCandidate } },
    contracts: [contract(events.candidateCreatedV0)],
    keyField: 'candidate_id',
    flat: ['CandidateCreated'],
    starts: { transport: 'async', version: 0 },
    transports: ['async', 'sync'],
  },
  {
    id: 'COMM-040',
    kind: 'functional',
    // A revocation never counts before the completion it takes back.
    ordered: true,
    producer: 'hiring',
    consumers: { bonuses: { push: BonusesLinks.method.bookSolution } },
    contracts: [solutionCompleted.newer, contract(events.solutionRevokedV0)],
    mappings: [solutionCompleted],
    keyField: 'solution_id',
    starts: { transport: 'sync', version: 0 },
    transports: ['sync', 'async'],
  },
  {
    id: 'COMM-050',
    kind: 'functional',
    producer: 'hiring',
    consumers: { assessments: { push: AssessmentsLinks.method.raiseDifficulty } },
    contracts: [contract(events.exerciseCompletedMoreThenTenTimesV0)],
    keyField: 'exercise_id',
    flat: ['ExerciseCompletedMoreThenTenTimes'],
    starts: { transport: 'async', version: 0 },
    transports: ['async', 'sync'],
  },
  {
    id: 'COMM-060',
    kind: 'formal',
    entity: 'assessment rating',
    producer: 'hiring',
    consumers: { bonuses: { push: BonusesLinks.method.putAssessmentRating } },
    contracts: [contract(events.assessmentRatingChangedV0)],
    keyField: 'assessment_id',
    starts: { transport: 'async', version: 0 },
    // By pull, bonuses asks hiring.v1.HiringService/GetAssessmentRating when it computes a bonus.
    transports: ['async', 'pull'],
  },
  {
    id: 'COMM-070',
    kind: 'functional',
    producer: 'management',
    consumers: { hiring: { push: HiringLinks.method.assignAssessment } },
    contracts: [contract(events.assessmentAssignedV0)],
    keyField: 'assignment_id',
    starts: { transport: 'async', version: 0 },
    transports: ['async', 'sync'],
  },
  {
    id: 'COMM-080',
    kind: 'functional',
    // A debit never goes before the credit it takes back.
    ordered: true,
    producer: 'bonuses',
    consumers: { finance: { push: FinanceLinks.method.transferMoney } },
    contracts: [contract(events.creditToAccountV0), contract(events.debitFromAccountV0)],
    keyField: 'solution_id',
    starts: { transport: 'sync', version: 0 },
    transports: ['sync'],
    immovableReason:
      'it authorises money: bonuses must hear from finance itself whether an order was taken, ' +
      'and no broker may keep, repeat or delay one',
  },
]);

/** The JSON types of the events that a link carries: `LinkEvent<'COMM-080'>`. */
export type LinkEvent<Id extends keyof typeof links> = EventOf<(typeof links)[Id]>;
