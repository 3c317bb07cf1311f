/** A database goes back in time under traffic: what that lost is found, named, and sent again. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { legOf } from '../../link/link.ts';
import { Participants } from '../../migration/participants.ts';
import { preflight } from '../../migration/steps/preflight.ts';
import { comparePage } from '../../operator/reconcile/handlers.ts';
import { LossWatch } from '../../operator/reconcile/lossWatch.ts';
import type { Difference } from '../../operator/reconcile/page.ts';
import { followPages } from '../../rpc/paging.ts';
import { silentLog } from '../../runtime/log.ts';
import { Metrics } from '../../runtime/metrics.ts';
import { connectNats } from '../../runtime/nats.ts';
import { privatePostgres } from '../harness/postgres.ts';
import { rememberMoment } from '../harness/timeMachine.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';
import { noStreams, openAlone } from '../rigs/oneStep.ts';

const LINK = 'COMM-040';
const [PRODUCER, CONSUMER] = ['hiring', 'bonuses'];
const LEG = legOf(LINK, CONSUMER);
const MONEY = { link: 'COMM-080', consumer: 'finance' };

/** The company with the database of one service on a server of its own. */
async function start(
  t: TestContext,
  service: string,
  { link: id, consumer } = { link: LINK, consumer: CONSUMER },
) {
  const server = await privatePostgres(t);
  const company = await InProcessCompany.start(t, {
    link: id,
    ...(id === LINK && { transport: 'async' as const }),
    servers: { [service]: server },
  });
  const participants = new Participants(
    Object.fromEntries([...company.addresses].map(([name, address]) => [name, [address]])),
  );
  t.after(() => participants.close());
  const link = (await participants.topology()).links.get(id)!;
  /** As `relink reconcile` follows the pages. */
  const reconcileAll = async (isRepairing = false) => {
    const of = { participants, link, consumer, sinceMs: 0, isRepairing, actor: 'ada' };
    const { entries } = await followPages(async (after: string | undefined) => {
      const { differences, next } = await comparePage(of, after ?? '');
      return { entries: differences, next: next || undefined };
    });
    return entries;
  };
  const watch = new LossWatch(participants, silentLog, new Metrics());
  /** How many settled messages the consumer lacks, as the operator sees it every minute. */
  const missing = async () => {
    await watch.look();
    return watch.missingOf(id, consumer);
  };
  return { company, server, reconcileAll, missing };
}

/** As the first step of a run that moves the link. */
async function preflightOf(t: TestContext, company: InProcessCompany): Promise<void> {
  const { connection, close } = await connectNats(company.nats.url, { name: 'preflight' });
  t.after(close);
  const streams = { ...noStreams, manager: () => jetstreamManager(connection) };
  const services = Object.fromEntries([...company.addresses].map(([name, at]) => [name, [at]]));
  const step = { ...preflight, number: '0', title: 'Preflight' };
  const run = { plan: 'functional-async-to-sync', link: LINK, producer: PRODUCER };
  const alone = await openAlone(t, { step, consumers: [CONSUMER], services, run, streams });
  await preflight.apply(await alone.enter());
}

const idsOf = (some: readonly Pick<Difference, 'eventId'>[]) =>
  some.map(({ eventId }) => eventId).sort();

async function settled(company: InProcessCompany): Promise<void> {
  await until(async () => (await company.countOpen()) === 0, { what: 'everything is settled' });
}

/** Keys with a first message, all settled. */
async function submit(company: InProcessCompany, count: number): Promise<string[]> {
  const keys = someKeys(count);
  for (const key of keys) await company.write(key);
  await settled(company);
  return keys;
}

test('what a consumer lost is sent again, and keys that were stuck behind it go on', async (t) => {
  const { company, server, reconcileAll, missing } = await start(t, CONSUMER);
  await submit(company, 20);
  const moment = await rememberMoment(t, server);
  const lost = await submit(company, 30);
  const history = await company.producer<{ eventId: string }[]>`
    select event_id as "eventId" from relink.history where key = any(${lost})`;
  assert.equal(history.length, lost.length);
  const writing = company.writeContinuously(await company.keysFor(2), 1, 20);
  await moment.return();
  // Their second messages come after the first were lost.
  for (const key of lost.slice(0, 10)) await company.write(key);
  await writing.stop();
  await until(async () => (await company.countOpen()) === 10, {
    what: 'all is settled but what waits for what was lost',
  });
  await assert.rejects(
    preflightOf(t, company),
    /bonuses does not know \d+ messages.* relink reconcile/,
  );
  const found = await reconcileAll();
  const ofKind = (kind: string) => found.filter((one) => one.kind === kind);
  const named = new Set(idsOf(ofKind('lost')));
  assert.equal(await missing(), named.size);
  for (const { eventId } of history) assert.ok(named.has(eventId), `${eventId} is named`);
  assert.deepEqual(
    ofKind('gap')
      .map(({ key }) => key)
      .sort(),
    lost.slice(0, 10).sort(),
  );
  assert.deepEqual(ofKind('unknown'), []);

  const repaired = await reconcileAll(true);
  assert.ok(
    repaired.filter(({ kind }) => kind === 'lost').every(({ done }) => done === 'sent again'),
  );
  await company.oracle();
  assert.equal(await missing(), 0);
  await preflightOf(t, company);
  assert.deepEqual(await reconcileAll(true), []);
  const [{ repairs } = { repairs: 0 }] = await company.producer<{ repairs: number }[]>`
    select count(*)::int as repairs from relink.repairs where actor = 'ada'`;
  assert.equal(repairs, named.size);
  // Before its server is given back.
  await company.stop();
});

test('what a producer forgot is named by its id, and nothing of it is done again', async (t) => {
  const { company, server, reconcileAll } = await start(t, PRODUCER);
  await submit(company, 20);
  const moment = await rememberMoment(t, server);
  const forgotten = await submit(company, 30);
  await moment.return();
  await submit(company, 10);
  const found = await reconcileAll(true);
  const inbox = await company.sqlOf.get(CONSUMER)!<{ eventId: string }[]>`
    select event_id as "eventId" from relink.inbox where key = any(${forgotten})`;
  assert.equal(inbox.length, forgotten.length);
  assert.deepEqual(idsOf(found), idsOf(inbox));
  assert.ok(found.every(({ kind, done }) => kind === 'unknown' && !done));
  const [row] = await company.producer`
    select count(*)::int as open from relink.outbox where leg = ${LEG}`;
  assert.equal(row!.open, 0);
  await company.stop();
});

test('an order that a producer forgot and gives again is not paid twice', async (t) => {
  const { company, server, reconcileAll } = await start(t, 'bonuses', MONEY);
  const moment = await rememberMoment(t, server);
  const orders = await submit(company, 10);
  await moment.return();
  // As when the solutions that bonuses forgot are sent to it again.
  for (const key of orders) await company.write(key);
  await settled(company);
  const finance = company.sqlOf.get('finance')!;
  assert.equal((await finance`select from transfers`).length, orders.length);
  const dead = await finance`select from relink.dead_letters where reason = 'VERSION_PASSED'`;
  assert.equal(dead.length, orders.length);
  const found = await reconcileAll(true);
  assert.deepEqual(found.map(({ key }) => key).sort(), orders.sort());
  assert.ok(found.every(({ kind, done }) => kind === 'unknown' && !done));
  await company.stop();
});
