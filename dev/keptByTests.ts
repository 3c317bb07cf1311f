/** Lists what `npm test -- --keep` kept of failed tests, and delays its removal. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

export interface KeptDatabase {
  readonly test: string;
  readonly database: string;
  readonly url: string;
}

/** The data of a test that has its own PostgreSQL, NATS and services. */
export interface KeptStack {
  readonly dataDir: string;
}

type Kept = Partial<KeptDatabase & KeptStack>;

/** What test files recorded in `file`; empty when no test failed. */
export async function readKept(file: string): Promise<Kept[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Kept);
}

/** The list as text for a person. */
export function describeKept(kept: readonly Kept[]): string[] {
  const databases = kept.flatMap(({ url, test }) => (url ? [`  ${url}   ${test}`] : []));
  const stacks = kept.flatMap(({ dataDir }) => (dataDir ? [dataDir] : []));
  return [
    ...(databases.length > 0 ? ['databases kept:', ...databases] : []),
    ...stacks.flatMap((dir) => [
      `stack kept, with its logs; remove ${dir} when done:`,
      `  npm start -- --data ${dir}`,
    ]),
  ];
}

/** Prints what was kept. Databases of our own PostgreSQL stay until Ctrl-C. */
export async function showKept(
  kept: readonly Kept[],
  { say, isOwnPostgres }: { say: (line: string) => void; isOwnPostgres: boolean },
): Promise<void> {
  for (const line of describeKept(kept)) say(line);
  if (!isOwnPostgres || !kept.some(({ url }) => url)) return;
  say('Ctrl-C removes the databases and ends.');
  const alive = setInterval(() => undefined, 60_000);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  clearInterval(alive);
}
