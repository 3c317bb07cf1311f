/** A database as it was before one of its schema changes. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseName } from '../../db/schemaChanges.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';

/** Makes the expand changes of a part that are older than the one of this name, and records them. */
export async function applyExpandBefore(url: string, part: DatabaseName, name: string) {
  const folder = join(import.meta.dirname, '../../db', part, 'expand');
  const tags = globSync('*/migration.sql', { cwd: folder }).map(dirname).sort();
  const until = tags.findIndex((tag) => tag.endsWith(`_${name}`));
  const sql = connectPostgres(url, { name: 'earlier schema', max: 1 });
  try {
    await sql`create schema schema_changes`;
    await sql`create table schema_changes.${sql(part)}
      (id serial primary key, hash text not null, created_at bigint)`;
    for (const tag of tags.slice(0, until)) {
      await sql.unsafe(readFileSync(join(folder, tag, 'migration.sql'), 'utf8')).simple();
      await sql`insert into schema_changes.${sql(part)} (hash, created_at)
        values ('', extract(epoch from to_timestamp(${tag.slice(0, 14)}, 'YYYYMMDDHH24MISS')) * 1000)`;
    }
  } finally {
    await closePostgres(sql);
  }
}
