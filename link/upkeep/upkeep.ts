/**
 * Keeps what must not grow for ever: once when a process starts, then every hour. What fails is made up
 * for by the next look; days are made ahead for a week of failures.
 */
import type { Agent } from '../../runtime/lifecycle.ts';
import type { Log } from '../../runtime/log.ts';
import type { Database } from '../../runtime/postgres.ts';
import { type Repeater, repeat } from '../../runtime/wake.ts';
import { foldSettled } from '../inbox/digest.ts';
import { type DayTable, keepDays } from './dayPartitions.ts';
import { forgetOld } from './forget.ts';

const EVERY_MS = 3_600_000;

export interface UpkeepOptions {
  readonly sql: Database;
  readonly log: Log;
  readonly tables: readonly DayTable[];
  /** Days for which ended dead letters and counts of failed tries are kept. */
  readonly horizonDays: number;
}

export function upkeepOf(options: UpkeepOptions): Agent {
  let repeater: Repeater | undefined;
  const keep = () => keepAll(options);
  return {
    name: 'upkeep',
    start: async () => {
      await keep();
      repeater ??= repeat(EVERY_MS, keep, () => undefined);
    },
    stop: () => repeater?.stop(),
  };
}

async function keepAll({ sql, log, tables, horizonDays }: UpkeepOptions): Promise<void> {
  const tasks: [string, () => Promise<void>][] = [
    ...tables.map((one): [string, () => Promise<void>] => [one.table, () => keepDays(sql, one)]),
    ['what is over', () => forgetOld(sql, horizonDays)],
    ['settled', () => foldSettled(sql)],
  ];
  for (const [what, task] of tasks)
    await task().catch((error) =>
      log.warn({ err: error, what }, 'upkeep failed; the next hour will make up for it'),
    );
}
