/** What comes late: handlers, transactions, route changes, relays. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { raiseFence } from '../../link/inbox/fence.ts';
import type { Change, Handler } from '../../link/inbox/handler.ts';
import { ALL_LANES } from '../../link/link.ts';
import { closeRows } from '../../link/outbox/closeRows.ts';
import { GAP_MARGIN } from '../../link/outbox/openRows.ts';
import type { Transaction } from '../../runtime/postgres.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, type InProcessOptions, someKeys } from '../rigs/inProcess/company.ts';
import { Courier } from '../rigs/inProcess/courier.ts';

const LINK = 'COMM-010';
const CONSUMER = 'hiring';
const LEG = `${LINK}/${CONSUMER}`;
/** Above the 12 s that a call may take. */
const SLOW_HANDLER_LIMIT_MS = 40_000;
const patient = { withinMs: 120_000, everyMs: 20 };

describe('late', { concurrency: 3 }, () => {
  test('a handler that goes on after its caller gave up has one effect, the newest wins', async (t) => {
    const gate = new Gate();
    const [key] = someKeys(1) as [string];
    const company = await InProcessCompany.start(t, {
      ...gatedAt(gate, (one) => one === key),
      transport: 'sync',
      limits: { handlerTimeoutMs: SLOW_HANDLER_LIMIT_MS },
    });
    await company.write(key);
    await gate.reached;
    // The relay's deadline passes, it calls again, and a second handler waits behind the first.
    await until(async () => (await waitingForInbox(company)) > 0, {
      ...patient,
      what: 'the message is sent again while its first handler runs',
    });
    await company.flip(CONSUMER, ALL_LANES, 'async', false);
    await company.waitUntilAdopted(CONSUMER);
    await company.write(key);
    gate.open();
    await company.oracle();
  });

  test('the fence waits for what passed it and refuses what comes after', async (t) => {
    const gate = new Gate();
    const keys = someKeys(24);
    const company = await InProcessCompany.start(t, {
      ...gatedAt(gate, () => true),
      transport: 'sync',
      // The courier has no owner to ask for names.
      writesAs: `${LINK}=v1/v0`,
      limits: { handlerTimeoutMs: SLOW_HANDLER_LIMIT_MS },
    });
    const courier = await Courier.start(t, company);
    await company.write(keys[0]);
    await gate.reached;
    await company.stopNode('assessments-1');
    await company.write(keys[1]);
    const sql = company.sqlOf.get(CONSUMER)!;
    let isRaised = false;
    const raised = raiseFence(sql, LINK, ALL_LANES, 1_000n).then(() => {
      isRaised = true;
    });
    const isUp = async () =>
      (await sql`select from relink.fences where min_epoch = 1000`).length > 0;
    await until(isUp, { ...patient, what: 'the fence is up' });
    // Nobody waits because the fence does: what comes now is refused at once.
    const [late] = (await company.openRows(CONSUMER)).filter((row) => row.key === keys[1]);
    const how = { transport: 'sync', consumer: CONSUMER, epoch: 999n } as const;
    await courier.carry([late!], how);
    assert.equal(isRaised, false);
    gate.open();
    await raised;
    const settled = await sql<{ key: string }[]>`select key from relink.inbox`;
    assert.deepEqual(
      settled.map((row) => row.key),
      [keys[0]],
    );
    // The way on is a route with a newer epoch.
    await company.producer`update relink.links set epoch = 1000`;
    await company.flip(CONSUMER, ALL_LANES, 'async', false);
    await company.startNode('assessments');
    await company.oracle();
  });

  test('a slow transaction that commits after a thousand newer ones is relayed', async (t) => {
    const company = await InProcessCompany.start(t, { link: LINK, transport: 'async' });
    const [slow, ...keys] = someKeys(40) as [string];
    const commit = Promise.withResolvers<void>();
    const writing = company.write(slow, () => commit.promise);
    await company.writeMany(GAP_MARGIN + 200, keys);
    await untilClosed(company);
    commit.resolve();
    await writing;
    await company.oracle();
  });

  test('a long idle transaction elsewhere holds nothing up', async (t) => {
    const company = await InProcessCompany.start(t, { link: LINK, transport: 'async' });
    const end = Promise.withResolvers<void>();
    const idle = company.producer.begin(async (tx) => {
      await tx`select pg_current_xact_id(), count(*) from relink.outbox`;
      await end.promise;
    });
    await company.writeMany(200, someKeys(20));
    await untilClosed(company);
    end.resolve();
    await idle;
    await company.oracle();
  });

  for (const hold of [true, false])
    test(`a transaction may span a ${hold ? 'held' : 'hasty'} flip, which does not wait for it`, async (t) => {
      const company = await InProcessCompany.start(t, { link: LINK, transport: 'sync' });
      const [spanning, ...keys] = someKeys(20) as [string];
      await company.writeMany(40, [spanning, ...keys]);
      const commit = Promise.withResolvers<void>();
      const writing = company.write(spanning, () => commit.promise);
      for (const consumer of company.consumers) {
        await company.flip(consumer, ALL_LANES, 'async', hold);
        await company.waitUntilAdopted(consumer);
      }
      commit.resolve();
      await writing;
      await company.writeMany(40, [spanning, ...keys]);
      await company.oracle();
    });

  test('going there and back at once, again and again, is harmless', async (t) => {
    const company = await InProcessCompany.start(t, { link: LINK, transport: 'sync' });
    const writing = company.writeContinuously(someKeys(24), 2, 5);
    for (let turn = 0; turn < 10; turn++)
      for (const transport of ['async', 'sync'] as const)
        await company.flip(CONSUMER, ALL_LANES, transport, turn % 2 === 0);
    await writing.stop();
    await company.oracle();
  });

  test('two replicas share the lanes; when one stops the other serves them all', async (t) => {
    const company = await InProcessCompany.start(t, { link: LINK, transport: 'sync' });
    const writing = company.writeContinuously(someKeys(24), 2, 5);
    await company.startNode('assessments', 'assessments-2');
    await untilOwned(company, { 'assessments-1': 8, 'assessments-2': 8 });
    await company.stopNode('assessments-1');
    await untilOwned(company, { 'assessments-2': 16 });
    await writing.stop();
    await company.oracle();
  });

  test('a relay without its term removes nothing and adds nothing to a digest', async (t) => {
    const company = await InProcessCompany.start(t, { link: LINK, elsewhere: ['assessments'] });
    await company.producer`insert into relink.lanes (link, lane, owner, term, expires_at)
      select ${LINK}, lane, 'other', 2, 'infinity' from generate_series(0, 15) lane`;
    await company.write();
    const [row] = await company.openRows(CONSUMER);
    const { seq, eventId, lane } = row!;
    const rows = [{ seq, eventId, epoch: 1n, hash: 1n, hashedVersion: 0 }];
    for (const zombie of [
      { instance: 'other', term: 1n },
      { instance: 'me', term: 2n },
    ]) {
      const terms = new Map([[lane, zombie.term]]);
      const owner = { link: LINK, instance: zombie.instance };
      const closed = await closeRows(company.producer, owner, {
        leg: LEG,
        rows,
        terms,
        isKept: false,
      });
      assert.deepEqual({ ...closed }, { isOwned: false, removed: 0 });
    }
    assert.equal((await company.producer`select 1 from relink.closed`).length, 0);
    await company.producer`update relink.lanes set owner = null, expires_at = '-infinity'`;
    await company.startNode('assessments');
    await company.oracle();
  });
});

/** Holds handlers until it is opened. */
class Gate {
  readonly #open = Promise.withResolvers<void>();
  readonly #reached = Promise.withResolvers<void>();
  readonly reached = this.#reached.promise;

  pass(): Promise<void> {
    this.#reached.resolve();
    return this.#open.promise;
  }

  open(): void {
    this.#open.resolve();
  }
}

/** The consumer's handler waits at the gate for the first of these keys' messages it applied. */
function gatedAt(
  gate: Gate,
  isHeld: (key: string) => boolean,
): Pick<InProcessOptions, 'link' | 'wrap'> {
  const wrap = (handler: Handler, consumer: string): Handler => {
    if (consumer !== CONSUMER || handler.kind !== 'formal') return handler;
    return {
      ...handler,
      apply: async (tx: Transaction, changes: readonly Change[]) => {
        const applied = await handler.apply(tx, changes);
        if (changes.some(({ key, version }) => version === 1n && isHeld(key))) await gate.pass();
        return applied;
      },
    };
  };
  return { link: LINK, wrap };
}

/** Transactions at the consumer that wait for another one with the same message. */
async function waitingForInbox(company: InProcessCompany): Promise<number> {
  return (
    await company.sqlOf.get(CONSUMER)!`
      select 1 from pg_stat_activity where datname = current_database()
        and wait_event_type = 'Lock' and wait_event = 'transactionid'`
  ).length;
}

async function untilClosed(company: InProcessCompany): Promise<void> {
  await until(async () => (await company.countOpen()) === 0, { ...patient, what: 'all is closed' });
}

async function untilOwned(
  company: InProcessCompany,
  wanted: Record<string, number>,
): Promise<void> {
  await until(
    async () => {
      const rows = await company.producer<{ owner: string; lanes: number }[]>`
        select owner, count(*)::int as lanes from relink.lanes
        where expires_at > clock_timestamp() group by owner order by owner`;
      const owned = Object.fromEntries(rows.map(({ owner, lanes }) => [owner, lanes]));
      assert.deepEqual(owned, wanted);
      return true;
    },
    { ...patient, what: 'lanes are shared' },
  );
}
