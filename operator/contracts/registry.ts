/**
 * The registry of contracts in the operator's database: what services said of themselves, since when
 * and until when. It is a record; what is true now, the services are asked again.
 */
import type { Database } from '../../runtime/postgres.ts';
import type { Side, Sighting } from './sightings.ts';

/** A process seen within this time counts as running in lists. */
const RUNNING_S = 60;
/** How old what is written may be: each look would change every row otherwise. */
const REFRESH_S = 5;
/** Processes get new names at every start of some platforms: old names go, the newest stays. */
const KEPT_DAYS = 30;

export interface ContractUse {
  readonly link: string;
  readonly service: string;
  readonly side: Side;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  /** Those that run. */
  readonly instances: readonly string[];
}

export interface RegisteredContract {
  readonly id: bigint;
  readonly event: string;
  readonly version: number;
  readonly hash: string;
  readonly schema: string;
  readonly changed: boolean;
  readonly registeredBy: string;
  readonly registeredAt: string;
  readonly uses: readonly ContractUse[];
  readonly retiredBy: string;
  readonly retiredAt: string;
  readonly retiredReason: string;
}

export interface Retirement {
  readonly event: string;
  readonly version: number;
  readonly reason: string;
  readonly actor: string;
  readonly evidence: readonly object[];
}

export class ContractRegistry {
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
  }

  /** Notes what was seen now. Safe to repeat, and in several operators at once. */
  async record(sightings: readonly Sighting[]): Promise<void> {
    const rows = JSON.stringify(sightings);
    await this.#sql.begin(async (tx) => {
      // Producers first: whoever writes a contract says what it is.
      await tx`
        insert into migration.contracts (event, version, hash, schema, registered_by)
        select distinct on (event, version, hash) event, version, hash, schema,
          service || '/' || instance
        from jsonb_to_recordset(${rows}::text::jsonb) as seen(event text, version smallint,
          hash text, schema text, service text, instance text, side text)
        order by event, version, hash, side desc, service, instance
        on conflict on constraint contracts_one_per_text do nothing`;
      await tx`
        insert into migration.contract_uses as known (contract, link, service, side, instance)
        select distinct c.id, seen.link, seen.service, seen.side, seen.instance
        from jsonb_to_recordset(${rows}::text::jsonb) as seen(event text, version smallint,
          hash text, link text, service text, side text, instance text)
        join migration.contracts c using (event, version, hash)
        order by 1, 2, 3, 4, 5
        on conflict (contract, link, service, side, instance) do update
        set last_seen = clock_timestamp()
        where known.last_seen < clock_timestamp() - make_interval(secs => ${REFRESH_S})`;
      await tx`
        delete from migration.contract_uses old
        where last_seen < clock_timestamp() - make_interval(days => ${KEPT_DAYS})
          and exists (select from migration.contract_uses newer
            where newer.contract = old.contract and newer.link = old.link
              and newer.service = old.service and newer.side = old.side
              and newer.last_seen > old.last_seen)`;
    });
  }

  /** In the order of registration. */
  async list(wanted: {
    link: string;
    after: bigint;
    limit: number;
  }): Promise<RegisteredContract[]> {
    const rows = await this.#sql<ContractRow[]>`
      select c.*, coalesce(u.uses, '[]') as uses, r.retired_by, r.retired_at,
        r.reason as retired_reason,
        exists (select from migration.contracts first
          where first.event = c.event and first.version = c.version and first.id < c.id) as changed
      from migration.contracts c
      left join migration.contract_retirements r using (event, version)
      left join lateral (
        select jsonb_agg(to_jsonb(one) order by one.link, one.side desc, one.service) as uses from (
          select link, service, side, min(first_seen) as first_seen, max(last_seen) as last_seen,
            coalesce(array_agg(instance order by instance) filter (
              where last_seen > clock_timestamp() - make_interval(secs => ${RUNNING_S})), '{}')
              as instances
          from migration.contract_uses where contract = c.id group by link, service, side
        ) one
      ) u on true
      where c.id > ${wanted.after} and (${wanted.link} = '' or exists (
        select from migration.contract_uses where contract = c.id and link = ${wanted.link}))
      order by c.id limit ${wanted.limit}`;
    return rows.map(contractFrom);
  }

  /** The hash that was registered first, by event and version as `ManagerCreated v0`. */
  async registered(): Promise<ReadonlyMap<string, { hash: string; by: string }>> {
    const rows = await this.#sql<{ name: string; hash: string; by: string }[]>`
      select distinct on (event, version) event || ' v' || version as name, hash,
        registered_by as by
      from migration.contracts order by event, version, id`;
    return new Map(rows.map(({ name, hash, by }) => [name, { hash, by }]));
  }

  /** The given up versions, named as `ManagerCreated v0`. */
  async retired(): Promise<ReadonlySet<string>> {
    const rows = await this.#sql<{ name: string }[]>`
      select event || ' v' || version as name from migration.contract_retirements`;
    return new Set(rows.map(({ name }) => name));
  }

  /** Links on which somebody ever wrote or read the version. */
  async linksOf(event: string, version: number): Promise<string[]> {
    const rows = await this.#sql<{ link: string }[]>`
      select distinct link from migration.contract_uses
      join migration.contracts c on c.id = contract
      where event = ${event} and version = ${version} order by link`;
    return rows.map(({ link }) => link);
  }

  /** Keeps the first retirement of a version; answers the one that is kept. */
  async retire(one: Retirement): Promise<{ by: string; at: string }> {
    await this.#sql`
      insert into migration.contract_retirements (event, version, reason, evidence, retired_by)
      values (${one.event}, ${one.version}, ${one.reason},
        ${JSON.stringify(one.evidence)}::text::jsonb, ${one.actor})
      on conflict (event, version) do nothing`;
    const [row] = await this.#sql<{ by: string; at: Date }[]>`
      select retired_by as by, retired_at as at from migration.contract_retirements
      where event = ${one.event} and version = ${one.version}`;
    return { by: row!.by, at: row!.at.toISOString() };
  }
}

interface ContractRow {
  id: bigint;
  event: string;
  version: number;
  hash: string;
  schema: string;
  registered_by: string;
  registered_at: Date;
  changed: boolean;
  uses: {
    link: string;
    service: string;
    side: Side;
    first_seen: string;
    last_seen: string;
    instances: string[];
  }[];
  retired_by: string | null;
  retired_at: Date | null;
  retired_reason: string | null;
}

function contractFrom(row: ContractRow): RegisteredContract {
  const { id, event, version, hash, schema, changed } = row;
  return {
    id,
    event,
    version,
    hash,
    schema,
    changed,
    registeredBy: row.registered_by,
    registeredAt: row.registered_at.toISOString(),
    uses: row.uses.map(({ first_seen, last_seen, ...use }) => ({
      ...use,
      firstSeenAt: new Date(first_seen).toISOString(),
      lastSeenAt: new Date(last_seen).toISOString(),
    })),
    retiredBy: row.retired_by ?? '',
    retiredAt: row.retired_at?.toISOString() ?? '',
    retiredReason: row.retired_reason ?? '',
  };
}
