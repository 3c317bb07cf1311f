/** One drizzle door per pool: building it anew for each query costs more than the query. */
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { Database } from '../runtime/postgres.ts';

const doors = new WeakMap<Database, PostgresJsDatabase>();

export function typed(sql: Database): PostgresJsDatabase {
  let door = doors.get(sql);
  if (!door) {
    door = drizzle(sql);
    doors.set(sql, door);
  }
  return door;
}
