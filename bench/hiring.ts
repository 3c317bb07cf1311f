/** The consuming side of a benchmark: its database, and its process. */
import type { LinkKind } from '../link/link.ts';
import { closePostgres, connectPostgres, type Database } from '../runtime/postgres.ts';
import { createEffects, type Effects } from './handlers.ts';
import { type Remote, startRemote } from './remote.ts';
import type { BenchServers } from './servers.ts';

/** How hiring's process is started (remote/hiring/main.ts). */
export interface HiringOptions {
  readonly postgresUrl: string;
  readonly natsUrl: string;
  readonly kind: LinkKind;
}

export interface HiringReady {
  readonly address: string;
  /** Where a bare call has the same effect. */
  readonly bareAddress: string;
}

export interface HiringDatabase {
  readonly url: string;
  readonly sql: Database;
  reset(): Promise<void>;
  /** Messages in the inbox, and effects in the table that the handler of `kind` writes. */
  count(kind: LinkKind): Promise<{ inbox: number; effects: number }>;
  stop(): Promise<void>;
}

export async function createHiringDatabase(servers: BenchServers): Promise<HiringDatabase> {
  const url = await servers.newDatabase('hiring');
  const sql = connectPostgres(url, { name: 'bench/hiring/counts', max: 8 });
  await createEffects(sql);
  return {
    url,
    sql,
    reset: async () => void (await sql`truncate relink.inbox, manager_replicas, effects`),
    count: async (kind) => {
      const table = sql(kind === 'formal' ? 'manager_replicas' : 'effects');
      const [row] = await sql<{ inbox: number; effects: number }[]>`
        select (select count(*) from relink.inbox)::int as inbox,
          (select count(*) from ${table})::int as effects`;
      return row!;
    },
    stop: () => closePostgres(sql),
  };
}

/** Hiring's process on that database. */
export function startHiring(
  servers: BenchServers,
  database: HiringDatabase,
  kind: LinkKind,
): Promise<Remote<HiringReady, Effects>> {
  const options: HiringOptions = { postgresUrl: database.url, natsUrl: servers.natsUrl, kind };
  return startRemote('hiring', { ...options });
}
