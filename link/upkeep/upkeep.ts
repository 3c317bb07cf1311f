/**
 * Keeps what must not grow for ever: once when a process starts, then every hour. A look that fails is
 * made up for by the next one; days are made ahead for a week of failures.
 */
import type { Agent } from '../../runtime/lifecycle.ts';
import type { Log } from '../../runtime/log.ts';
import type { Database } from '../../runtime/postgres.ts';
import { type Repeater, repeat } from '../../runtime/wake.ts';
import { type DayTable, keepDays } from './dayPartitions.ts';

const EVERY_MS = 3_600_000;

export interface UpkeepOptions {
  readonly sql: Database;
  readonly log: Log;
  readonly tables: readonly DayTable[];
}

export function upkeepOf({ sql, log, tables }: UpkeepOptions): Agent {
  let repeater: Repeater | undefined;
  const keep = async () => {
    for (const table of tables)
      await keepDays(sql, table).catch((error) =>
        log.warn(
          { err: error, table: table.table },
          'partitions were not kept; the next hour will',
        ),
      );
  };
  return {
    name: 'upkeep',
    start: async () => {
      await keep();
      repeater ??= repeat(EVERY_MS, keep, () => undefined);
    },
    stop: () => repeater?.stop(),
  };
}
