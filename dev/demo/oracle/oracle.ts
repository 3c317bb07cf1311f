/**
 * The oracle: holds the databases against each other, and what callers were told against the owner's
 * table. It trusts no counter of the demo and asks no service.
 *
 * What the tables prove, once traffic has stopped and the outbox is empty:
 *
 * - Nothing committed is lost. A manager's version grows by one with every change under its row lock,
 *   and each change writes one message per consumer in the same transaction. So the owner's row
 *   alone says which messages must have arrived: versions 1 to n, each once or more often (a
 *   backfill repeats the newest). An inbox row commits together with its effect.
 * - Nothing told is lost. Every answer named a version and names; the owner's row must be at least as
 *   new, with these names where it is the same version, and no newer than all calls together,
 *   those without an answer included, can have made it.
 * - Nothing is doubled. A formal effect writes a row only if its version is newer, and then the inbox
 *   says `applied`; two `applied` rows of one version are a doubled effect. Message ids are the
 *   inbox's primary key: a second row of one id cannot exist. Per lane and epoch the consumer may not
 *   have settled more than receipts closed.
 * - Nothing is reordered. Two effects on one manager cannot overlap: the second waits for the row
 *   lock of the first until that has committed. So the order of commits is the order of effects,
 *   and it is exact where the server keeps commit times (`track_commit_timestamp`, on in the
 *   servers that the demo starts). Elsewhere the beginning of the consumer's transaction stands for
 *   it, which can miss an exchange of two transactions that overlapped; the replicas' comparison
 *   then still finds one whose damage lasted. `superseded` messages had no effect: not an order.
 * - Nothing is changed on the way. Per lane and epoch the sums of the message hashes are equal on both
 *   sides, and every replica row is equal to the owner's row.
 */
import type { Database } from '../../../runtime/postgres.ts';
import type { Told } from '../../traffic/told.ts';
import { checkArrived, checkEffects, checkReplicas, checkSums } from './consumer.ts';
import { type Check, caseOf, checkOf, type Finding } from './findings.ts';
import { countOpen, listOpen, type ManagerRow, readManagers } from './tables.ts';

/** Open messages that are named; the count is of all. */
const OPEN_EXAMPLES = 20;

export type OracleOptions = {
  readonly link: string;
  /** Database of the service that owns the entity. */
  readonly owner: Database;
  /** Databases of the consumers by name. */
  readonly consumers: Readonly<Record<string, Database>>;
  readonly told: Told;
};

export type Judgement = {
  readonly checks: readonly Check[];
  readonly findings: readonly Finding[];
  readonly holds: boolean;
};

/** Compares everything; call it when the traffic has stopped. */
export async function judge(options: OracleOptions): Promise<Judgement> {
  const managers = await readManagers(options.owner, 'managers');
  const checks = [checkTold(managers, options.told), await checkOutbox(options)];
  for (const [consumer, sql] of Object.entries(options.consumers)) {
    const sides = { ...options, consumer, sql, managers };
    checks.push(await checkReplicas(sides), await checkArrived(sides));
    checks.push(await checkEffects(sides), await checkSums(sides));
  }
  const findings = checks.flatMap((check) => check.findings);
  return { checks, findings, holds: findings.length === 0 };
}

/** What callers were told against the owner's table. */
function checkTold(managers: ReadonlyMap<string, ManagerRow>, told: Told): Check {
  const lost = [];
  const changed = [];
  const doubled = [];
  for (const { id, version, names, acknowledged, unknown } of told.managers()) {
    const row = managers.get(id);
    const stored = row?.version ?? 0n;
    if (stored < version) lost.push(caseOf(id, version));
    const isSame = row?.firstName === names.firstName && row.lastName === names.lastName;
    if (version > 0n && stored === version && !isSame) changed.push(caseOf(id, version));
    const most = BigInt(acknowledged + unknown);
    if (stored > most) doubled.push(caseOf(id, stored, { count: Number(stored - most) }));
  }
  const finding = { consumer: '' };
  const count = told.acknowledged.toLocaleString('en');
  return checkOf(`${count} answers are true in the owner's table`, [
    { ...finding, damage: 'lost', sentence: 'callers were told more than is stored', cases: lost },
    { ...finding, damage: 'changed', sentence: 'callers were told other names', cases: changed },
    { ...finding, damage: 'doubled', sentence: 'more changes than calls', cases: doubled },
  ]);
}

async function checkOutbox({ link, owner, consumers }: OracleOptions): Promise<Check> {
  const open = await countOpen(owner, link);
  const findings: Finding[] = [];
  for (const [leg, count] of open) {
    const named = await listOpen(owner, leg, OPEN_EXAMPLES);
    const cases = named.map(({ key, version }) => caseOf(key, version));
    if (count > named.length) cases.push(caseOf('others', 0n, { count: count - named.length }));
    const consumer = leg.slice(link.length + 1);
    findings.push({ damage: 'leftover', sentence: 'the outbox is not empty', consumer, cases });
  }
  const names = Object.keys(consumers).join(' and ');
  return checkOf(`the outbox is empty for ${names}`, findings);
}
