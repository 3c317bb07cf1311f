/**
 * The schema `relink` of every service's database, and the types of its columns. The tables of a
 * producer are in producer.ts, those of a consumer in consumer.ts. The hot statements on them are
 * plain SQL in `link/`; these files are where their shape is decided.
 */
import { bigint, pgSchema, timestamp } from 'drizzle-orm/pg-core';

export const relink = pgSchema('relink');

export const int8 = (name: string) => bigint(name, { mode: 'bigint' });
export const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });
