/**
 * The oracle that every proof ends with (docs: the delivery protocol). It compares databases and
 * trusts no counter of a test or of the kit: what the producer's business tables say was committed,
 * what the consumers' tables say was done, and what inbox, outbox and digests say about the way.
 */
import assert from 'node:assert/strict';
import { type LinkDefinition, legOf } from '../../link/link.ts';
import { readInboxDigest } from '../../link/participant/consumerState.ts';
import { readClosed } from '../../link/participant/producerState.ts';
import type { Database } from '../../runtime/postgres.ts';
import { until } from '../harness/until.ts';
import type { LinkFixture, StateTable } from './fixtures.ts';

/** Longest wait for the last receipt: after faults, retries are up to seconds apart. */
const SETTLED_LIMIT_MS = 90_000;

export interface OracleOptions {
  readonly link: LinkDefinition;
  readonly fixture: LinkFixture;
  readonly producer: Database;
  readonly consumers: Readonly<Record<string, Database>>;
  /** Keys that a person gave up on at a consumer: their last state need not be there. */
  readonly givenUp?: Readonly<Record<string, readonly string[]>>;
}

/** Records every effect on the replica in the order of its row lock, for `refuseOldEffects`. */
export async function recordEffects(sql: Database, replica: StateTable): Promise<void> {
  await sql.unsafe(`
    create table effects (seq int8 generated always as identity, key text, before int8, after int8);
    create function record_effect() returns trigger language plpgsql as $$ begin
      insert into effects (key, before, after) values (new.${replica.key}::text,
        case when tg_op = 'UPDATE' then old.${replica.version} end, new.${replica.version});
      return new; end $$;
    create trigger record_effect after insert or update on ${replica.table}
      for each row execute function record_effect()`);
}

/** Waits until every row is closed, then checks everything. Throws with what differs. */
export async function oracle(options: OracleOptions): Promise<void> {
  await waitUntilClosed(options);
  for (const [consumer, sql] of Object.entries(options.consumers)) {
    await everyIntentOnce(options, sql, consumer);
    await statesEqual(options, sql, consumer);
    await refuseOldEffects(sql, consumer);
    await digestsEqual(options, sql, consumer);
    await nothingLeft(sql, consumer);
  }
}

async function waitUntilClosed({ producer, link }: OracleOptions): Promise<void> {
  await until(
    async () => {
      const open = await producer<{ leg: string; lane: number; open: number }[]>`
        select leg, lane, count(*)::int as open from relink.outbox
        where split_part(leg, '/', 1) = ${link.id} group by leg, lane order by leg, lane`;
      if (open.length === 0) return true;
      throw new Error(open.map((row) => `${row.leg} lane ${row.lane}: ${row.open}`).join(', '));
    },
    { withinMs: SETTLED_LIMIT_MS, what: 'no outbox row is open', everyMs: 50 },
  );
}

/** Every committed version of every key was settled exactly once, and nothing else was. */
async function everyIntentOnce(options: OracleOptions, sql: Database, consumer: string) {
  const { source } = options.fixture;
  const intents = await options.producer<{ key: string; version: bigint }[]>`
    select ${options.producer(source.key)}::text as key, v as version
    from ${options.producer(source.table)}
    cross join lateral generate_series(1, ${options.producer(source.version)}) v`;
  const settled = await sql<{ key: string; version: bigint }[]>`
    select key, version from relink.inbox where link = ${options.link.id}`;
  assert.deepEqual(
    settled.map(({ key, version }) => `${key} v${version}`).sort(),
    intents.map(({ key, version }) => `${key} v${version}`).sort(),
    `what ${consumer} settled is what was committed, each once`,
  );
}

async function statesEqual(options: OracleOptions, sql: Database, consumer: string) {
  const except = options.givenUp?.[consumer] ?? [];
  const theirs = await readStates(options.producer, options.fixture.source, except);
  const ours = await readStates(sql, options.fixture.replicas[consumer]!, except);
  assert.deepEqual(ours, theirs, `${consumer} has the newest state of every key`);
}

async function readStates(sql: Database, table: StateTable, except: readonly string[]) {
  const columns = table.columns.map((column) => `${column}::text`).join(`, '|', `);
  const rows = await sql.unsafe<{ key: string; state: string }[]>(
    `select ${table.key}::text as key, concat(${table.version}, '|', ${columns}) as state
     from ${table.table} order by 1`,
  );
  return rows.filter(({ key }) => !except.includes(key)).map(({ key, state }) => `${key} ${state}`);
}

/** Per key each effect was newer than the one before it. */
async function refuseOldEffects(sql: Database, consumer: string): Promise<void> {
  const wrong = await sql`
    select * from (select *, lag(after) over (partition by key order by seq) as last from effects) e
    where after <= last or before is distinct from last`;
  assert.deepEqual([...wrong], [], `versions that ${consumer} applied rise per key`);
}

/** What receipts closed is what the inbox holds, per lane and epoch. */
async function digestsEqual(options: OracleOptions, sql: Database, consumer: string) {
  const { link, producer } = options;
  const line = (d: { lane: number; epoch: bigint; count: bigint; sum: string }) =>
    `epoch ${d.epoch} lane ${d.lane}: ${d.count} messages, sum ${d.sum}`;
  const closed = await readClosed(producer, legOf(link.id, consumer), 0n);
  const inbox = await readInboxDigest(sql, link.id, 0n);
  assert.deepEqual(inbox.map(line), closed.map(line), `digests of ${consumer} are equal`);
}

/** Nothing is dead or parked that the test did not end. */
async function nothingLeft(sql: Database, consumer: string): Promise<void> {
  const [left] = await sql`
    select (select count(*)::int from relink.dead_letters where state = 'dead') as dead,
      (select count(*)::int from relink.parked) as parked`;
  assert.deepEqual({ ...left }, { dead: 0, parked: 0 }, `nothing is left at ${consumer}`);
}
