/** What a service does with the copies of a link's messages: a row in its database. */
import type { Database } from '../../runtime/postgres.ts';
import type { LinkDefinition } from '../link.ts';

/**
 * `log`: note that a copy arrived; `run`: run the handler and roll it back. Copies of a formal link
 * run by default, those of a functional link only when asked for.
 */
export type CopyHandling = 'log' | 'run';

export async function readCopyHandling(sql: Database, link: LinkDefinition): Promise<CopyHandling> {
  const [row] = await sql<{ copies: CopyHandling | null }[]>`
    select copies from relink.listening where link = ${link.id}`;
  return row?.copies ?? (link.kind === 'formal' ? 'run' : 'log');
}

export async function setCopyHandling(
  sql: Database,
  link: string,
  copies: CopyHandling,
): Promise<void> {
  await sql`update relink.listening set copies = ${copies} where link = ${link}`;
}
