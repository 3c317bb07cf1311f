/**
 * The oracle: holds the databases against each other, and what callers were told against them. It
 * trusts no counter of the demo and asks no service.
 *
 * What the tables prove, once traffic has stopped and the outboxes are empty:
 *
 * - Nothing told is lost, and nothing else happened. What callers were told of (managers, assessments,
 *   candidates, assignments, solutions, revocations) is stored as told; from it alone follows what
 *   every rating, difficulty, list of exercises, booking and balance must be. A call without an
 *   answer may have had its effect or not: the service that was asked decides, for all others.
 * - Nothing committed is lost. Each message is written in the transaction of the change that it tells,
 *   so the owner's rows say which messages must have arrived: a version grows by one with every
 *   change under its row lock. An inbox row commits together with its effect.
 * - Nothing is doubled. A formal effect writes a row only if its version is newer, and then the inbox
 *   says `applied`; two `applied` rows of one version are a doubled effect. Message ids are the
 *   inbox's primary key: a second row of one id cannot exist. Per lane and epoch the consumer may not
 *   have settled more than receipts closed. An event counts once: one booking, one transfer, one
 *   step of difficulty.
 * - Nothing is reordered. Two effects on one key cannot overlap: the second waits for the row lock of
 *   the first until that has committed. So the order of commits is the order of effects, and it is
 *   exact where the server keeps commit times (`track_commit_timestamp`, on in the servers that the
 *   demo starts). Elsewhere the beginning of the consumer's transaction stands for it, which can miss
 *   an exchange of two transactions that overlapped; the replicas' comparison then still finds one
 *   whose damage lasted. `superseded` messages had no effect: not an order.
 * - Nothing is changed on the way. Per lane and epoch the sums of the message hashes are equal on both
 *   sides, and every replica row is equal to the owner's row.
 *
 * What goes by `pull` is not delivered: of such a link only what was sent otherwise is compared, and
 * its replica once it is kept again.
 */
import { type LinkDefinition, type LinkMap, legOf } from '../../link/link.ts';
import type { Database } from '../../runtime/postgres.ts';
import type { Told } from '../traffic/history.ts';
import { checkAssessments, checkManagers } from './checks/authoring.ts';
import {
  checkAssignments,
  checkCandidates,
  checkRatings,
  checkSolutions,
  checkTeachers,
} from './checks/hiring.ts';
import { checkLeftovers, checkLink, findLateEffects, refuseUnknown } from './checks/links.ts';
import { judgeMoney, type MoneyReport } from './checks/money.ts';
import { checkReplicas } from './checks/replicas.ts';
import { findTruth } from './expectedState.ts';
import type { Check, Finding } from './findings.ts';
import { countPulled } from './linkTables.ts';

export type OracleOptions = {
  readonly links: LinkMap;
  /** The database of a service. */
  readonly database: (service: string) => Database;
  readonly told: Told;
  /** Links that went by `pull` meanwhile, though they may not any more. */
  readonly pulled: ReadonlySet<string>;
};

export type Judgement = {
  readonly checks: readonly Check[];
  readonly findings: readonly Finding[];
  readonly money: MoneyReport;
  readonly holds: boolean;
};

/** Compares everything; call it when the traffic has stopped and nothing is on its way. */
export async function judge(options: OracleOptions): Promise<Judgement> {
  const { told, database } = options;
  const links = Object.values(options.links);
  refuseUnknown(links);
  const truth = await findTruth(told, database);
  const [management, hiring, assessments] = ['management', 'hiring', 'assessments'].map(database);
  const pulledNow = await findPulled(links, database);
  const { checks: moneyChecks, money } = await judgeMoney(told, truth, {
    bonuses: database('bonuses'),
    finance: database('finance'),
  });
  const checks = [
    await checkManagers(told, assessments!),
    await checkAssessments(told, truth, assessments!),
    await checkCandidates(told, truth, hiring!),
    await checkAssignments(told, truth, { management: management!, hiring: hiring! }),
    await checkSolutions(told, truth, hiring!),
    await checkRatings(told, truth, hiring!),
    await checkTeachers(told, management!),
    ...moneyChecks,
    ...(await checkReplicas(database, (link) => pulledNow.has(link))),
    ...(await checkLinks(options, links, pulledNow)),
    await checkLeftovers(databasesOf(links, database)),
  ];
  const findings = checks.flatMap((check) => check.findings);
  return { checks, findings, money, holds: findings.length === 0 };
}

async function checkLinks(
  { database, pulled }: OracleOptions,
  links: readonly LinkDefinition[],
  pulledNow: ReadonlySet<string>,
): Promise<Check[]> {
  const isOrWasPulled = (id: string) => pulled.has(id) || pulledNow.has(id);
  const effects: Finding[] = [];
  for (const group of groupByEntity(links))
    for (const consumer of Object.keys(group[0]?.consumers ?? {})) {
      const ids = group.map(({ id }) => id);
      const wasPulled = ids.some((id) => isOrWasPulled(id));
      const sql = database(consumer);
      effects.push(...(await findLateEffects({ links: ids, consumer, sql, wasPulled })));
    }
  const checks: Check[] = [];
  for (const link of links)
    checks.push(
      await checkLink({
        link,
        owner: database(link.producer),
        consumers: Object.fromEntries(
          Object.keys(link.consumers).map((consumer) => [consumer, database(consumer)]),
        ),
        wasPulled: isOrWasPulled(link.id),
        effects,
      }),
    );
  return checks;
}

/** Links of one entity to the same consumers share its versions: their effects are one order. */
function groupByEntity(links: readonly LinkDefinition[]): LinkDefinition[][] {
  const groups = new Map<string, LinkDefinition[]>();
  for (const link of links) {
    const { id, entity = id, consumers } = link;
    const name = `${entity} ${Object.keys(consumers).join(' ')}`;
    groups.set(name, [...(groups.get(name) ?? []), link]);
  }
  return [...groups.values()];
}

/** Links of which some lane is pulled now. */
async function findPulled(
  links: readonly LinkDefinition[],
  database: (service: string) => Database,
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const { id, producer, consumers } of links)
    for (const consumer of Object.keys(consumers))
      if ((await countPulled(database(producer), legOf(id, consumer))) > 0) found.add(id);
  return found;
}

/** By name, of every service that sends or receives. */
export function databasesOf(
  links: readonly LinkDefinition[],
  database: (service: string) => Database,
): Record<string, Database> {
  const names = links.flatMap(({ producer, consumers }) => [producer, ...Object.keys(consumers)]);
  return Object.fromEntries([...new Set(names)].map((name) => [name, database(name)]));
}
