/** Connections to PostgreSQL break in the middle of everything, on both sides of a link. */
import { describe, type TestContext, test } from 'node:test';
import { ALL_LANES, type Transport } from '../../link/link.ts';
import { type FaultProxy, startProxy } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';

const LINK = 'COMM-010';
const KEYS = 24;
const ROUNDS = 9;
const WRITE_EVERY_MS = 5;
/** Effects that must come through before the next cut: the system lives between cuts. */
const EFFECTS_A_ROUND = 10;

// Side by side: after a cut most of the time is waiting for answers that were lost.
describe('cuts', { concurrency: 3 }, () => {
  for (const transport of ['sync', 'async'] as const)
    test(`ended database sessions do no harm on ${transport}`, async (t) => {
      const company = await InProcessCompany.start(t, { link: LINK, transport });
      await underCuts(company, transport, async () => {
        for (const sql of company.sqlOf.values())
          await sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name not like 'test/%'`;
      });
    });

  test('broken and half-open database connections do no harm', async (t) => {
    const proxies: FaultProxy[] = [];
    const company = await InProcessCompany.start(t, {
      link: LINK,
      transport: 'async',
      postgresUrl: (_service, url) => throughProxy(t, url, proxies),
    });
    let round = 0;
    await underCuts(company, 'async', async () => {
      for (const proxy of proxies) {
        // Every third time statements still run and their answers are lost.
        if (round % 3 === 0) proxy.blackHole(['toClient']);
        else proxy.cut();
      }
      if (round++ % 3 === 0) await afterSomeEffects(company, 0);
      for (const proxy of proxies) await proxy.restore();
    });
  });
});

async function throughProxy(t: TestContext, url: string, proxies: FaultProxy[]): Promise<string> {
  const proxy = await startProxy(t, { port: Number(new URL(url).port) });
  proxies.push(proxy);
  return proxy.through(url);
}

/** Cuts again and again under writers, and flips routes meanwhile. */
async function underCuts(
  company: InProcessCompany,
  transport: Transport,
  cut: () => Promise<void>,
) {
  const writing = company.writeContinuously(someKeys(KEYS), 2, WRITE_EVERY_MS);
  const other = transport === 'sync' ? 'async' : 'sync';
  for (let round = 0; round < ROUNDS; round++) {
    const flip = company.flip(
      company.consumers[round % company.consumers.length]!,
      ALL_LANES.filter((lane) => lane % 4 === round % 4),
      round % 2 === 0 ? other : transport,
      round % 3 !== 0,
    );
    await cut();
    await flip;
    await afterSomeEffects(company, EFFECTS_A_ROUND);
  }
  await writing.stop();
  await company.oracle();
  // Pools whose connections were cut take seconds to close: before the databases are given back.
  await company.stop();
}

/** Waits for `count` more committed effects at every consumer. */
async function afterSomeEffects(company: InProcessCompany, count: number): Promise<void> {
  for (const consumer of company.consumers) {
    const sql = company.sqlOf.get(consumer)!;
    const done = async () => (await sql`select 1 from relink.inbox`).length;
    const before = await done();
    await until(async () => (await done()) >= before + count, {
      withinMs: 120_000,
      what: `${consumer} goes on`,
    });
  }
}
