/**
 * The oracle compares the databases with each other and with what callers were told. It trusts no
 * counter of the demo and calls no service.
 *
 * What the tables prove, once traffic has stopped and the outboxes are empty:
 *
 * - Nothing acknowledged is lost, and nothing else happened. What callers were told (managers,
 *   assessments, candidates, assignments, solutions, revocations) is stored as told; every rating,
 *   difficulty, list of exercises, booking and balance follows from it alone. A call without an
 *   answer may have had its effect or not: the service that was called decides, for all others.
 * - Nothing committed is lost. Each message is written in the transaction of its change, and a
 *   version grows by one with every change under its row lock, so the owner's rows determine which
 *   messages must have arrived. An inbox row commits together with its effect.
 * - Nothing is doubled. A formal effect writes a row only if its version is newer, and then the
 *   inbox says `applied`; two `applied` rows of one version are a doubled effect. Message ids are
 *   the inbox's primary key, so an id cannot appear twice. Per lane and epoch the consumer may not
 *   have settled more than receipts closed. An event counts once: one booking, one transfer, one
 *   step of difficulty.
 * - Nothing is reordered. Two effects on one key cannot overlap: the second waits for the row lock
 *   of the first until that commits. So the order of commits is the order of effects. It is exact
 *   where the server keeps commit times (`track_commit_timestamp`, on in the servers that the demo
 *   starts). Elsewhere the start of the consumer's transaction stands in, which can miss a swap of
 *   two transactions that overlapped; comparing the replicas still finds one whose damage lasted.
 *   `superseded` messages had no effect, so they have no order.
 * - Nothing is changed on the way. Per lane and epoch the sums of the message hashes are equal on
 *   both sides, and every replica row equals the owner's row.
 *
 * - Nothing is left of what was to go. Once COMM-010 carries nicknames for good, every text of every
 *   other service is searched for the names of the managers.
 *
 * A link on `pull` delivers nothing: only what it sent otherwise is compared, and its replica once
 * it is kept again.
 */
import { type LinkDefinition, type LinkMap, legOf, legsOf } from '../../link/link.ts';
import type { Database } from '../../runtime/postgres.ts';
import type { History } from '../traffic/history.ts';
import { checkAssessments, checkManagers } from './checks/authoring.ts';
import {
  checkAssignments,
  checkCandidates,
  checkPromotions,
  checkRatings,
  checkSolutions,
} from './checks/hiring.ts';
import { checkLeftovers, checkLink, findLateEffects, refuseUnknown } from './checks/links.ts';
import { judgeMoney, type MoneyReport } from './checks/money.ts';
import { checkNames, haveNamesGone } from './checks/names.ts';
import { checkReplicas } from './checks/replicas.ts';
import { deriveExpectedState } from './expectedState.ts';
import type { Check, Finding } from './findings.ts';
import { carriedVersionOf, countPulled } from './linkTables.ts';

export interface OracleOptions {
  readonly links: LinkMap;
  /** The database of a service. */
  readonly database: (service: string) => Database;
  readonly history: History;
  /** Links that were on `pull` at some time during the demo. */
  readonly pulled: ReadonlySet<string>;
}

export interface Judgement {
  readonly checks: readonly Check[];
  readonly findings: readonly Finding[];
  readonly money: MoneyReport;
  readonly holds: boolean;
}

/** Runs every check. Call it when the traffic has stopped and no message is in flight. */
export async function judge(options: OracleOptions): Promise<Judgement> {
  const { history, database } = options;
  const links = Object.values(options.links);
  refuseUnknown(links);
  const expected = await deriveExpectedState(history, database);
  const [management, hiring, assessments] = ['management', 'hiring', 'assessments'].map(database);
  const pulledNow = await findPulled(links, database);
  const versions = await findVersions(links, database);
  const { checks: moneyChecks, money } = await judgeMoney(history, expected, {
    bonuses: database('bonuses'),
    finance: database('finance'),
  });
  const checks = [
    await checkManagers(history, assessments!),
    await checkAssessments(history, expected, assessments!),
    await checkCandidates(history, expected, hiring!),
    await checkAssignments(history, expected, { management: management!, hiring: hiring! }),
    await checkSolutions(history, expected, hiring!),
    await checkRatings(history, expected, hiring!),
    await checkPromotions(history, { management: management!, hiring: hiring! }),
    ...moneyChecks,
    ...(await checkReplicas(
      database,
      (link) => pulledNow.has(link),
      (leg) => versions.get(leg) ?? 0,
    )),
    ...((await haveNamesGone(database)) ? [await checkNames(database)] : []),
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

/**
 * Links of one entity to the same consumers share its versions, so their effects have one order.
 */
function groupByEntity(links: readonly LinkDefinition[]): LinkDefinition[][] {
  const groups = new Map<string, LinkDefinition[]>();
  for (const link of links) {
    const { id, entity = id, consumers } = link;
    const name = `${entity} ${Object.keys(consumers).join(' ')}`;
    groups.set(name, [...(groups.get(name) ?? []), link]);
  }
  return [...groups.values()];
}

/** Links with a lane on `pull` now. */
async function findPulled(
  links: readonly LinkDefinition[],
  database: (service: string) => Database,
): Promise<Set<string>> {
  const findingOf = new Set<string>();
  for (const { id, producer, consumers } of links)
    for (const consumer of Object.keys(consumers))
      if ((await countPulled(database(producer), legOf(id, consumer))) > 0) findingOf.add(id);
  return findingOf;
}

/** By leg, the newest contract version that it carries now. */
async function findVersions(
  links: readonly LinkDefinition[],
  database: (service: string) => Database,
): Promise<Map<string, number>> {
  const versions = new Map<string, number>();
  for (const link of links)
    for (const leg of legsOf(link))
      versions.set(leg, await carriedVersionOf(database(link.producer), leg));
  return versions;
}

/** By name: the database of every service that produces or consumes. */
export function databasesOf(
  links: readonly LinkDefinition[],
  database: (service: string) => Database,
): Record<string, Database> {
  const names = links.flatMap(({ producer, consumers }) => [producer, ...Object.keys(consumers)]);
  return Object.fromEntries([...new Set(names)].map((name) => [name, database(name)]));
}
