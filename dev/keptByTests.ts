/** What `npm test -- --keep` kept of tests that failed: says where it is and waits with its removal. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

export interface KeptDatabase {
  readonly test: string;
  readonly database: string;
  readonly url: string;
}

/** Of a test with PostgreSQL, NATS and services of its own. */
export interface KeptStack {
  readonly dataDir: string;
}

type Kept = Partial<KeptDatabase & KeptStack>;

/** What test files noted in `file`; nothing when no test failed. */
export async function readKept(file: string): Promise<Kept[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Kept);
}

/** The lines a person reads. */
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

/** Says what was kept; databases of our own PostgreSQL are there until Ctrl-C. */
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
