/** Every method of every port, called as nobody should. See test/rigs/apiFuzz.ts. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { DescField, DescMethod, DescService } from '@bufbuild/protobuf';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { AssessmentsLinks } from '../../gen/assessments/v1/links_pb.ts';
import { BonusesService } from '../../gen/bonuses/v1/bonuses_service_pb.ts';
import { BonusesLinks } from '../../gen/bonuses/v1/links_pb.ts';
import { FinanceService } from '../../gen/finance/v1/finance_service_pb.ts';
import { FinanceLinks } from '../../gen/finance/v1/links_pb.ts';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { HiringLinks } from '../../gen/hiring/v1/links_pb.ts';
import { ManagementLinks } from '../../gen/management/v1/links_pb.ts';
import { ManagementService } from '../../gen/management/v1/management_service_pb.ts';
import { Operator } from '../../gen/relink/v1/operator_pb.ts';
import { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { readEnvironment } from '../../runtime/environment.ts';
import { badCalls, type FuzzCall, makeCalls } from '../rigs/apiFuzz.ts';
import type { ProcessCompany } from '../rigs/processes/company.ts';
import { type Random, randomFrom, seedOf } from '../rigs/random.ts';

const SERVED: Readonly<Record<string, readonly DescService[]>> = {
  assessments: [AssessmentsService, AssessmentsLinks],
  hiring: [HiringService, HiringLinks],
  management: [ManagementService, ManagementLinks],
  bonuses: [BonusesService, BonusesLinks],
  finance: [FinanceService, FinanceLinks],
};

/** What only these methods write, and the traffic of the company does not; by database. */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  assessments: ['assessments', 'relink.dead_letters', 'relink.inbox'],
  hiring: ['candidates', 'assignments', 'solutions', 'relink.dead_letters'],
  management: ['assignments', 'teachers', 'relink.dead_letters'],
  bonuses: ['bookings', 'ledger_entries', 'relink.dead_letters'],
  finance: ['transfers', 'relink.inbox', 'relink.dead_letters'],
  relink: ['migration.runs', 'migration.steps', 'migration.certificates'],
};

/**
 * Methods that read or plan are asked about a real link, to get far. Those that change one are asked
 * about a link that is not there: what a route or a run should be is no question of bad input.
 */
const SAFE = /^(Get|List|Describe|Plan|Backfill)/;
function known(method: DescMethod, { name }: DescField): unknown {
  if (!SAFE.test(method.name)) return undefined;
  if (name === 'link') return 'COMM-010';
  if (name === 'consumer') return 'hiring';
  return name === 'to' ? 'async' : undefined;
}

export function describeBadCalls(company: () => ProcessCompany, share: number): void {
  describe('bad calls', () => {
    let addresses: ReadonlyMap<string, string>;
    const seed = seedOf(readEnvironment('RELINK_TEST_SEED'));
    before(() => {
      const { services, operator } = company().stack.addresses;
      const ports = Object.entries(services).map(([name, all]) => [name, all[0]!.grpc] as const);
      addresses = new Map([...ports, ['relink', operator.grpc]]);
    });

    it('are refused in the words of their callers, and nothing of them is written', async () => {
      const random = randomFrom(seed);
      const before = await countRows(company());
      const accepted = new Map<string, number>();
      const faults: string[] = [];
      for (const [name, address] of addresses) {
        const result = await makeCalls(address, callsTo(name, share, random));
        faults.push(...result.faults.map((fault) => `${name}: ${fault}`));
        for (const [method, times] of result.accepted) accepted.set(method, times);
      }
      assert.deepEqual(faults, [], `repeat with RELINK_TEST_SEED=${seed}`);
      const times = (method: string) => accepted.get(method) ?? 0;
      const finance = 'finance.v1.FinanceService';
      const moved = times(`${finance}/CreditToAccount`) + times(`${finance}/DebitFromAccount`);
      before.set('finance transfers', before.get('finance transfers')! + moved);
      const registered = times('hiring.v1.HiringService/RegisterCandidate');
      before.set('hiring candidates', before.get('hiring candidates')! + registered);
      assert.deepEqual(await countRows(company()), before, `repeat with RELINK_TEST_SEED=${seed}`);
    });
  });
}

/** This share of all bad calls to the methods that are served there. */
function callsTo(name: string, share: number, random: Random): FuzzCall[] {
  const served = name === 'relink' ? [Operator] : [...SERVED[name]!, LinkParticipant];
  const methods = served.flatMap((service) => service.methods);
  const all = methods.flatMap((method) => badCalls(method, known, random));
  return all.filter(() => random.chance(share));
}

async function countRows(company: ProcessCompany): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const [database, tables] of Object.entries(TABLES)) {
    const sql = company.database(database);
    for (const table of tables) {
      const [row] = await sql.unsafe<{ count: number }[]>(
        `select count(*)::int as count from ${table}`,
      );
      counts.set(`${database} ${table}`, row!.count);
    }
  }
  return counts;
}
