/** The log files that `log_files` names, on the operator's machine. */
import { glob, stat } from 'node:fs/promises';
import { MigrationError } from '../errors.ts';

/** Files that match; folders do not. */
export async function* findLogs(pattern: string): AsyncGenerator<string> {
  for await (const file of glob(pattern)) if ((await stat(file)).isFile()) yield file;
}

/**
 * A wrong name must show before the run: settings cannot be changed later.
 * @throws MigrationError REQUEST_INVALID
 */
export async function requireLogs(pattern: string): Promise<void> {
  if (pattern === '') return;
  for await (const _file of findLogs(pattern)) return;
  const description = `no file on the operator's machine is named ${pattern}`;
  throw new MigrationError('REQUEST_INVALID', `settings.log_files: ${description}`, {
    fields: [{ field: 'settings.log_files', description }],
  });
}
