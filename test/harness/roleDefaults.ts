/** What a foreign PostgreSQL may set by default for the role of a test in the test's own database. */
import { withAdmin } from '../../dev/servers/databases.ts';

/** In force for sessions that begin afterwards; gone with the database. */
export async function withDefaults(url: string, defaults: Record<string, string>): Promise<void> {
  await withAdmin(url, async (sql) => {
    const [here] = await sql<{ role: string; database: string }[]>`
      select current_user as role, current_database() as database`;
    for (const [name, value] of Object.entries(defaults))
      await sql`alter role ${sql(here!.role)} in database ${sql(here!.database)}
        set ${sql(name)} to ${sql.unsafe(`'${value}'`)}`;
  });
}
