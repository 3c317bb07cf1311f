/**
 * Takes a PostgreSQL back in time, as a fail-over to a standby that lacks the last WAL does, or a
 * restore from a backup: what was written since a moment is gone, and nobody is told.
 */
import { execFile } from 'node:child_process';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withAdmin } from '../../dev/servers/databases.ts';
import type { PostgresServer } from '../../dev/servers/postgres.ts';
import type { Owner } from './owner.ts';
import { releaseAfter } from './releases.ts';

const run = promisify(execFile);

/** A moment that a server can go back to, once. */
export interface Moment {
  /**
   * Kills the server and starts it on the same port with the data of that moment: every database of
   * the server goes back, and every connection breaks.
   */
  return(): Promise<void>;
}

/** Keeps what every database of a running server has now: an online backup of its data folder. */
export async function rememberMoment(t: Owner, server: PostgresServer): Promise<Moment> {
  const copy = `${server.dataDir}.then`;
  releaseAfter(t, 'moment of PostgreSQL', () => rm(copy, { recursive: true, force: true }));
  await rm(copy, { recursive: true, force: true });
  await withAdmin(server.url, async (sql) => {
    await sql`select pg_backup_start('moment', fast => true)`;
    await copyFolder(server.dataDir, copy);
    const [stopped] = await sql<{ labelfile: string }[]>`
      select labelfile from pg_backup_stop(wait_for_archive => false)`;
    // The copy is as consistent as its WAL makes it: that until the end of the backup has to be there.
    await rm(join(copy, 'pg_wal'), { recursive: true });
    await copyFolder(join(server.dataDir, 'pg_wal'), join(copy, 'pg_wal'));
    await writeLike(join(copy, 'PG_VERSION'), join(copy, 'backup_label'), stopped!.labelfile);
  });
  for (const name of ['postmaster.pid', 'postmaster.opts']) await rm(join(copy, name));
  return { return: () => returnTo(server, copy) };
}

async function returnTo(server: PostgresServer, copy: string): Promise<void> {
  await server.kill();
  await rm(server.dataDir, { recursive: true });
  await rename(copy, server.dataDir);
  await server.start();
}

/** With owners and modes. Files that the server removes meanwhile are not missed. */
async function copyFolder(from: string, to: string): Promise<void> {
  await run('cp', ['-a', from, to]).catch((error: { stderr?: string }) => {
    const problems = (error.stderr ?? '').trim().split('\n');
    if (!problems.every((line) => line.endsWith('No such file or directory'))) throw error;
  });
}

/** A new file with the owner and the mode of another one. */
async function writeLike(model: string, path: string, text: string): Promise<void> {
  await copyFolder(model, path);
  await writeFile(path, text);
}
