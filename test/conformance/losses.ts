/** How transports lose things. */
import type { TestContext } from 'node:test';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { setListening } from '../../link/transport/jetStream/listening.ts';
import { connectNats } from '../../runtime/nats.ts';
import type { Database } from '../../runtime/postgres.ts';
import type { FaultProxy } from '../harness/proxy.ts';
import { until } from '../harness/until.ts';
import type { InProcessCompany } from '../rigs/inProcess/company.ts';

/** Of each test. */
export const MESSAGES = 60;
const CUTS = 5;

/** Answers of calls are lost, some before and some after the consumer's commit. */
export async function loseAnswers(
  company: InProcessCompany,
  proxies: readonly FaultProxy[],
): Promise<void> {
  const keys = await company.keysFor(MESSAGES);
  for (let cuts = 0; cuts < CUTS; cuts++) {
    await company.writeMany(MESSAGES / CUTS, keys);
    const isAtWork = () => proxies.some((proxy) => proxy.connections > 0);
    await until(async () => isAtWork() || (await company.countOpen()) === 0, { what: 'calls' });
    for (const proxy of proxies) proxy.cut();
  }
}

/** Stored and acknowledged messages vanish from the stream before anybody consumed them. */
export async function loseStoredMessages(t: TestContext, company: InProcessCompany): Promise<void> {
  const { id } = company.link;
  const manager = await pauseConsuming(t, company, id);
  const lastStored = async () => (await manager.streams.info(id)).state.last_seq;
  const before = await lastStored();
  await company.writeMany(MESSAGES, await company.keysFor(MESSAGES));
  const areStored = async () => (await lastStored()) >= before + MESSAGES;
  await until(areStored, { what: 'everything is stored' });
  await manager.streams.purge(id);
  for (const sql of consumersOf(company)) await setListening(sql, id, true);
}

/** Returns when no consumer of the link takes messages from its stream any more. */
export async function pauseConsuming(
  t: TestContext,
  company: InProcessCompany,
  link: string,
): Promise<JetStreamManager> {
  const nats = await connectNats(company.nats.url, { name: 'pause' });
  t.after(() => nats.close());
  const manager = await jetstreamManager(nats.connection);
  const areWaiting = async (waiting: boolean) => {
    const all = company.consumers.map((name) => manager.consumers.info(link, name));
    return (await Promise.all(all)).every((info) => info.num_waiting > 0 === waiting);
  };
  // One that is only about to begin would begin afterwards.
  await until(() => areWaiting(true), { what: 'everybody consumes' });
  for (const sql of consumersOf(company)) await setListening(sql, link, false);
  await until(() => areWaiting(false), { what: 'nobody consumes' });
  return manager;
}

export function consumersOf(company: InProcessCompany): Database[] {
  return company.consumers.map((name) => company.sqlOf.get(name)!);
}
