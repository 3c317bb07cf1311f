/** Every replica table against the table of the service that owns the entity. */
import { legOf } from '../../../link/link.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { nicknameSql } from '../../../services/mappings/nicknames.ts';
import { titleForms } from '../../../services/mappings/titles.ts';
import {
  type Case,
  type Check,
  caseOf,
  checkOf,
  type Finding,
  findingOf,
  formatCount,
} from '../findings.ts';

interface Replica {
  /** In the plural. */
  readonly entity: string;
  readonly owner: string;
  /** `id`, `version` and `fields` of every row. */
  readonly ownerRows: string;
  readonly consumer: string;
  readonly table: string;
  readonly replicaRows: string;
  /** What is compared instead once the link carries version 1, which no longer brings all of it. */
  readonly fromVersion1?: Pick<Replica, 'ownerRows' | 'replicaRows'>;
  /** The link that carries a row of this version. */
  readonly linkOf: (version: bigint) => string;
}

/** Rows of builds that know no nicknames have the one that follows from their id. */
const NICKNAME = `coalesce(nickname, ${nicknameSql('id')})`;
const NAMES = `jsonb_build_array(first_name, last_name, ${NICKNAME})`;
/** Its title in either version, whichever way a side stores it. */
const TITLES = [...titleForms[0].texts, ...titleForms[1].texts].join(', ');
const WRITTEN = `jsonb_build_array(author_id, ${TITLES}, exercises)`;
const PERSON = 'jsonb_build_array(name, status, exercises_to_solve)';

const managersAt = (consumer: string): Replica => ({
  entity: 'managers',
  owner: 'assessments',
  ownerRows: `select id, version, ${NAMES} as fields from managers`,
  consumer,
  table: 'manager_replicas',
  replicaRows: `select id, version, ${NAMES} as fields from manager_replicas`,
  fromVersion1: {
    ownerRows: `select id, version, ${NICKNAME} as fields from managers`,
    replicaRows: `select id, version, ${NICKNAME} as fields from manager_replicas`,
  },
  linkOf: () => 'COMM-010',
});

const REPLICAS: readonly Replica[] = [
  managersAt('hiring'),
  managersAt('bonuses'),
  {
    entity: 'assessments',
    owner: 'assessments',
    ownerRows: `select id, version, ${WRITTEN} as fields from assessments`,
    consumer: 'hiring',
    table: 'assessment_replicas',
    replicaRows: `select id, version, ${WRITTEN} as fields from assessment_replicas`,
    linkOf: (version) => (version === 1n ? 'COMM-020' : 'COMM-021'),
  },
  {
    entity: 'candidates',
    owner: 'hiring',
    ownerRows: `select id, version, ${PERSON} as fields from candidates`,
    consumer: 'management',
    table: 'candidate_replicas',
    replicaRows: `select id, version, ${PERSON} as fields from candidate_replicas`,
    linkOf: () => 'COMM-030',
  },
  {
    entity: 'ratings',
    owner: 'hiring',
    ownerRows: `select assessment_id as id, version, to_jsonb(rating) as fields
      from assessment_ratings where version > 0`,
    consumer: 'bonuses',
    table: 'rating_replicas',
    replicaRows: `select assessment_id as id, version, to_jsonb(rating) as fields
      from rating_replicas`,
    linkOf: () => 'COMM-060',
  },
];

interface RowOfEntity {
  id: string;
  version: bigint;
  fields: string;
}

/**
 * One check per replica. While a link is on `pull`, its replica is outdated or dropped: then there
 * is nothing to compare, and the check says so. `versionOf` a leg is the newest that any lane carries.
 */
export async function checkReplicas(
  database: (service: string) => Database,
  isPulled: (link: string) => boolean,
  versionOf: (leg: string) => number,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const replica of REPLICAS) {
    const { entity, consumer, owner, linkOf } = replica;
    const link = linkOf(0n);
    if (isPulled(link)) {
      const claim = `${consumer} keeps no ${entity}: ${link} is on pull, so it asks ${owner}`;
      checks.push(checkOf(claim, []));
    } else {
      const rows = versionOf(legOf(link, consumer)) > 0 ? replica.fromVersion1 : undefined;
      checks.push(await compare({ ...replica, ...rows }, database(owner), database(consumer)));
    }
  }
  return checks;
}

async function compare(replica: Replica, ownerSql: Database, sql: Database): Promise<Check> {
  const { entity, owner, consumer } = replica;
  const owned = await readRows(ownerSql, replica.ownerRows);
  const replicas = await readRows(sql, replica.replicaRows);
  const lost: Case[] = [];
  const changed: Case[] = [];
  const extra: Case[] = [];
  for (const { id, version, fields } of owned.values()) {
    const row = replicas.get(id);
    if (!row || row.version < version) lost.push(caseOf(id, version));
    else if (row.version > version || row.fields !== fields) changed.push(caseOf(id, row.version));
  }
  for (const { id, version } of replicas.values())
    if (!owned.has(id)) extra.push(caseOf(id, version));
  return checkOf(`${formatCount(owned.size)} ${entity} are equal in ${owner} and ${consumer}`, [
    ...byLink(replica, 'lost', `${entity} missing or outdated at ${consumer}`, lost),
    ...byLink(replica, 'changed', `${entity} that differ at ${consumer}`, changed),
    ...byLink(replica, 'doubled', `${entity} at ${consumer} unknown to their owner`, extra),
  ]);
}

function byLink(
  { linkOf, consumer }: Replica,
  damage: Finding['damage'],
  sentence: string,
  cases: readonly Case[],
): Finding[] {
  const links = new Set(cases.map(({ version }) => linkOf(version)));
  return [...links].map((link) => {
    const own = cases.filter(({ version }) => linkOf(version) === link);
    return findingOf(damage, { link, consumer }, sentence, own);
  });
}

async function readRows(sql: Database, query: string): Promise<Map<string, RowOfEntity>> {
  const rows = await sql.unsafe<RowOfEntity[]>(
    `select id::text as id, version, fields::text as fields from (${query}) rows`,
  );
  return new Map(rows.map((row) => [row.id, row]));
}
