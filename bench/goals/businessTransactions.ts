/** Business transactions a second with the outbox ÷ without, 16 connections. */
import { enqueue } from '../../link/outbox/enqueue.ts';
import { forEachAtOnce } from '../../runtime/atOnce.ts';
import type { Database } from '../../runtime/postgres.ts';
import { managerCreated } from '../../services/assessments/domain/manager.ts';
import { insertManager } from '../../services/assessments/store/managers.ts';
import { links } from '../../services/links.ts';
import { type BenchContext, type Benchmark, mustBe, scaled } from '../benchmark.ts';
import { benchLink } from '../events.ts';
import { alternate, perSecond } from '../measure.ts';
import { insertAlone, newManager, type Producer, startProducer } from '../producer.ts';
import { type Goal, ratioOf } from '../report.ts';

const TRANSACTIONS = 10_000;
const CONNECTIONS = 16;

const comm010 = links['COMM-010'];

const GOAL: Goal = {
  name: 'business transactions with the outbox ÷ without',
  unit: 'transactions/s',
  goal: 0.85,
  bound: 'at least',
  note:
    'a manager registered as services/assessments does it, 16 connections, synchronous commit; ' +
    `ours also writes ${Object.keys(comm010.consumers).length} outbox rows (a consumer each)`,
};

/** The transaction of services/assessments: the entity and its messages, pipelined. */
async function insertAndEnqueue(sql: Database): Promise<void> {
  const manager = newManager();
  await sql.begin((tx) =>
    Promise.all([insertManager(tx, manager), enqueue(tx, comm010, [managerCreated(manager)])]),
  );
}

async function transact(
  { servers }: BenchContext,
  producer: Producer,
  count: number,
  transaction: (sql: Database) => Promise<void>,
): Promise<number> {
  await producer.resetTables();
  await servers.checkpoint();
  const rate = await perSecond(count, () =>
    forEachAtOnce([...Array(count).keys()], CONNECTIONS, () => transaction(producer.sql)),
  );
  const [{ written } = { written: -1 }] = await producer.sql<{ written: number }[]>`
    select count(*)::int as written from managers`;
  mustBe('managers written', written, count);
  return rate;
}

export const businessTransactions: Benchmark = {
  name: 'transactions',
  run: async (context) => {
    const count = scaled(TRANSACTIONS, context);
    const producer = await startProducer(context.servers, benchLink('async'));
    try {
      const rounds = await alternate(
        {
          ours: () => transact(context, producer, count, insertAndEnqueue),
          against: () => transact(context, producer, count, insertAlone),
        },
        context.rounds,
      );
      return [ratioOf(GOAL, rounds)];
    } finally {
      await producer.stop();
    }
  },
};
