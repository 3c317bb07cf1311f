/**
 * The oracle that every proof ends with (docs: the delivery protocol). It compares databases and
 * trusts no counter of a test or of the kit: what the producer's business tables say was committed,
 * what the consumers' tables say was done, and what inbox, outbox and digests say about the way.
 */
import assert from 'node:assert/strict';
import { readInboxDigest } from '../../../link/inbox/digest.ts';
import { type LinkDefinition, legOf } from '../../../link/link.ts';
import { readClosed } from '../../../link/outbox/state.ts';
import type { Database } from '../../../runtime/postgres.ts';
import { until } from '../../harness/until.ts';
import type {
  FormalFixture,
  FunctionalFixture,
  LinkFixture,
  StateTable,
} from '../fixtures/fixture.ts';

/** Longest wait for the last receipt: after faults, retries are up to seconds apart. */
const SETTLED_LIMIT_MS = 120_000;

export interface OracleOptions {
  readonly link: LinkDefinition;
  readonly fixture: LinkFixture;
  readonly producer: Database;
  readonly consumers: Readonly<Record<string, Database>>;
  /** Keys that a person gave up on at a consumer: their last state need not be there. */
  readonly givenUp?: Readonly<Record<string, readonly string[]>>;
  /**
   * A database went back in time. Of a functional link: keys with messages that one side has forgotten,
   * which are left out. Of a formal one only rows are compared, for nobody has the messages any more.
   */
  readonly wentBack?: readonly string[];
  /** Consumers of a functional link that run elsewhere: what they applied was not written down. */
  readonly unrecorded?: readonly string[];
}

/** Waits until every row is closed, then checks everything. Throws with what differs. */
export async function oracle(options: OracleOptions): Promise<void> {
  await waitUntilClosed(options);
  for (const [consumer, sql] of Object.entries(options.consumers)) {
    const { fixture, wentBack } = options;
    const isHealed = fixture.kind === 'formal' && wentBack !== undefined;
    if (!isHealed) await everyIntentOnce(options, sql, consumer);
    if (fixture.kind === 'formal') {
      await statesEqual(options, fixture, sql, consumer);
      await refuseOldEffects(sql, consumer);
    } else {
      await effectsEqual(options, fixture, sql, consumer);
      if (!options.unrecorded?.includes(consumer)) await appliedInTurn(options, sql, consumer);
    }
    if (wentBack === undefined) await digestsEqual(options, sql, consumer);
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
  const intents = await readIntents(options);
  const settled = await sql<Versioned[]>`
    select key, version from relink.inbox where link = ${options.link.id}`;
  assert.deepEqual(
    known(options, settled.map(nameOf)).sort(),
    intents,
    `what ${consumer} settled is what was committed, each once`,
  );
}

/** What was committed, sorted. */
async function readIntents(options: OracleOptions): Promise<string[]> {
  const rows = await options.producer.unsafe<Versioned[]>(options.fixture.intents);
  return known(options, rows.map(nameOf)).sort();
}

/** Those that name no key of which messages were forgotten. */
function known({ wentBack = [] }: OracleOptions, names: readonly string[]): string[] {
  return names.filter((name) => !wentBack.some((key) => name.includes(key)));
}

interface Versioned {
  key: string;
  version: bigint;
}

const nameOf = ({ key, version }: Versioned) => `${key} v${version}`;

// ---- formal links ----

async function statesEqual(
  options: OracleOptions,
  fixture: FormalFixture,
  sql: Database,
  consumer: string,
): Promise<void> {
  const except = options.givenUp?.[consumer] ?? [];
  const theirs = await readStates(options.producer, fixture.source, except);
  const ours = await readStates(sql, fixture.replicas[consumer]!, except);
  assert.deepEqual(ours, theirs, `${consumer} has the newest state of every key`);
}

async function readStates(sql: Database, table: StateTable, except: readonly string[]) {
  const columns = table.columns.map((column) => `(${column})::text`).join(`, '|', `);
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

// ---- functional links ----

/** The business tables of both sides say the same, and nothing that cannot be. */
async function effectsEqual(
  options: OracleOptions,
  fixture: FunctionalFixture,
  sql: Database,
  consumer: string,
): Promise<void> {
  const read = async (from: Database, query: string) =>
    known(
      options,
      (await from.unsafe<{ effect: string }[]>(query)).map((row) => row.effect),
    ).sort();
  const wanted = await read(options.producer, fixture.intended);
  const happened = await read(sql, fixture.effects[consumer]!);
  assert.deepEqual(happened, wanted, `every intent had its effect at ${consumer}, once`);
  const problems = await sql.unsafe(fixture.contradictions[consumer]!);
  assert.deepEqual([...problems], [], `nothing contradicts at ${consumer}`);
}

/** Every message was applied once; on an ordered link each key's in the order of its versions. */
async function appliedInTurn(options: OracleOptions, sql: Database, consumer: string) {
  const applied = await sql<Versioned[]>`
    select key, version from applied where link = ${options.link.id} order by seq`;
  const what = `what ${consumer} applied is what was committed, each once`;
  assert.deepEqual(known(options, applied.map(nameOf)).sort(), await readIntents(options), what);
  if (!options.link.ordered) return;
  const last = new Map<string, bigint>();
  for (const { key, version } of applied) {
    assert.equal(version, (last.get(key) ?? 0n) + 1n, `${consumer} applied ${key} in turn`);
    last.set(key, version);
  }
}

// ---- the way ----

/** What receipts closed is what the inbox holds, per lane and epoch. */
export async function digestsEqual(options: OracleOptions, sql: Database, consumer: string) {
  const { link, producer } = options;
  const line = (d: { lane: number; epoch: bigint; count: bigint; sum: string }) =>
    `epoch ${d.epoch} lane ${d.lane}: ${d.count} messages, sum ${d.sum}`;
  const all = { epoch: 0n, afterEpoch: 0n };
  const closed = (await readClosed(producer, legOf(link.id, consumer), all)).digests;
  const inbox = (await readInboxDigest(sql, link.id, all)).digests;
  assert.deepEqual(inbox.map(line), closed.map(line), `digests of ${consumer} are equal`);
}

/** Nothing is dead or parked that the test did not end. */
async function nothingLeft(sql: Database, consumer: string): Promise<void> {
  const [left] = await sql`
    select (select count(*)::int from relink.dead_letters where state = 'dead') as dead,
      (select count(*)::int from relink.parked) as parked`;
  assert.deepEqual({ ...left }, { dead: 0, parked: 0 }, `nothing is left at ${consumer}`);
}
