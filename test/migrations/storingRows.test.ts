/** Rows of both sides of a formal link change their form while an engine may die between any two pages. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { entityHandlers } from '../../link/participant/entityHandlers.ts';
import { raiseVersions } from '../../link/participant/storing.ts';
import type { Step, WayBackBarrier } from '../../migration/plan.ts';
import { numbered } from '../../migration/plans/transport.ts';
import { restoreOld, storeNew } from '../../migration/steps/storeRows.ts';
import { armFailpoint, disarmFailpoints } from '../../runtime/failpoints.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import type { Owner } from '../harness/owner.ts';
import { testDatabase } from '../harness/postgres.ts';
import { type Alone, openAlone, playService } from '../rigs/oneStep.ts';

const LINK = 'COMM-010';
const ROWS = 25;
const store = numbered<Step>('11', 'Store', storeNew);
const restore = numbered<WayBackBarrier>('10', 'Restore', restoreOld);
const settings = { store_rows: '10', store_pause_ms: '0', patience_seconds: '5' };
const run = {
  from: { transport: 'async', version: 0 },
  to: { transport: 'async', version: 1 },
} as const;

/** In version 1 a nickname is beside the name, which only the owner can think of. */
function entityAt(side: 'owner' | 'replica') {
  const nickname = side === 'owner' ? { store: `nickname = 'n' || name, name = null` } : {};
  return {
    ...{ table: 'people', key: 'id', version: 'version' },
    forms: {
      0: {
        texts: [`coalesce(name, substr(nickname, 2))`],
        isStored: 'name is not null',
        ...(side === 'owner' ? { store: 'name = substr(nickname, 2), nickname = null' } : {}),
      },
      1: {
        texts: [`coalesce(nickname, 'n' || name)`],
        isStored: 'nickname is not null',
        ...nickname,
      },
    },
    page: async () => [],
  };
}

async function openSide(t: Owner): Promise<Database> {
  const { url } = await testDatabase(t);
  const sql = connectPostgres(url, { name: 'people', max: 3 });
  t.after(() => closePostgres(sql));
  await sql`create table people (id int8 primary key, version int8, name text, nickname text)`;
  await sql`insert into people select n, 1, 'p' || n from generate_series(1, ${ROWS}) n`;
  return sql;
}

/** Both sides, and the pages of rows that were asked for. */
async function open(t: Owner, step: Step | WayBackBarrier) {
  const [owner, replica] = [await openSide(t), await openSide(t)];
  const pages: string[] = [];
  const counted = (name: string, sql: Database, side: 'owner' | 'replica') => {
    const handlers = entityHandlers({ sql, sources: { [LINK]: entityAt(side) } });
    const storeRows: typeof handlers.storeRows = (request, call) => {
      pages.push(`${name} v${request.version} after ${request.afterKey}`);
      return handlers.storeRows(request, call);
    };
    return { ...handlers, storeRows };
  };
  const assessments = await playService(t, {
    ...counted('assessments', owner, 'owner'),
    getProgress: async () => ({ open: 0n }),
    backfill: async ({ keys, raiseVersions: isRaised }) => {
      assert.ok(isRaised);
      await owner.begin((tx) => raiseVersions(tx, entityAt('owner'), keys));
      const rows =
        await owner`select id, version, name, nickname from people where id::text = any(${keys})`;
      for (const { id, version, name, nickname } of rows)
        await replica`update people set version = ${version}, name = ${name}, nickname = ${nickname}
          where id = ${id} and version < ${version}`;
      return { enqueued: keys.length };
    },
  });
  const hiring = await playService(t, counted('hiring', replica, 'replica'));
  const services = { assessments: [assessments], hiring: [hiring] };
  const alone = await openAlone(t, { step, consumers: ['hiring'], services, settings, run });
  return { alone, owner, replica, pages };
}

async function formsOf(sql: Database) {
  const rows = await sql<{ name: number; nickname: number; newest: number }[]>`
    select count(name)::int as name, count(nickname)::int as nickname, max(version)::int as newest
    from people`;
  return { ...rows[0]! };
}

async function valuesOf({ journal, runId }: Alone): Promise<Record<string, string>> {
  const evidence = await journal.evidence(runId);
  return Object.fromEntries(evidence.map(({ what, value }) => [what, value]));
}

describe('rows of a link', () => {
  afterEach(() => disarmFailpoints());

  it('are stored as the new version has them page by page, and what a replica lacks comes from the owner', async (t) => {
    const { alone, owner, replica } = await open(t, store);
    await store.apply(await alone.enter());
    assert.deepEqual(await formsOf(owner), { name: 0, nickname: ROWS, newest: 2 });
    assert.deepEqual(await formsOf(replica), { name: 0, nickname: ROWS, newest: 2 });
    const values = await valuesOf(alone);
    assert.equal(values['rows of assessments stored as v1'], `${ROWS} of ${ROWS} changed`);
    assert.match(values['rows of hiring stored as v1']!, /^0 of \d+ changed, 25 left/);
    assert.equal(values['rows sent again to hiring'], String(ROWS));
    const { steps } = (await alone.journal.read(alone.runId))!;
    assert.deepEqual([steps[0]!.done, steps[0]!.total], [2 * ROWS, 2 * ROWS]);
  });

  it('are gone on with after the last page when an engine died', async (t) => {
    const { alone, replica, pages } = await open(t, store);
    for (let died = 0; died < 4; died += 1) {
      const armed = armFailpoint('engine.after-checkpoint', { do: 'throw' }, 1);
      await assert.rejects(store.apply(await alone.enter()));
      armed.disarm();
    }
    await store.apply(await alone.enter());
    const all = ['assessments', 'hiring'].flatMap((name) =>
      ['', '10', '20'].map((after) => `${name} v1 after ${after}`),
    );
    assert.deepEqual(pages, all, 'no page is asked for twice');
    assert.deepEqual(await formsOf(replica), { name: 0, nickname: ROWS, newest: 2 });
  });

  it('are all as the old version has them once a run went back', async (t) => {
    const { alone, owner, replica } = await open(t, restore);
    for (const sql of [owner, replica])
      await sql`update people set nickname = 'n' || name, name = null where id <= 7`;
    await restore.undo(await alone.enterBack());
    assert.deepEqual(await formsOf(owner), { name: ROWS, nickname: 0, newest: 2 });
    assert.deepEqual(await formsOf(replica), { name: ROWS, nickname: 0, newest: 2 });
    const values = await valuesOf(alone);
    assert.equal(values['rows sent again to hiring'], '7');
    assert.equal(values['rows held by hiring'], String(ROWS));
  });
});
