/** The broker answers, and refuses: credentials, permissions, some of the messages. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { enqueue } from '../../link/outbox/enqueue.ts';
import { connectNats } from '../../runtime/nats.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';

const LINK = 'COMM-010';
const KEYS = 24;
const MESSAGES = 100;
/** Clients and relays come back in their own time, which is less than a minute. */
const patient = { withinMs: 60_000, everyMs: 50 };

/** Services come with a password; the test itself comes without. */
function accounts(password: string, permissions = '') {
  return `
    authorization { users: [
      { user: services, password: ${password}, ${permissions} }, { user: test, password: test }] }
    no_auth_user: test`;
}

function startCompany(t: TestContext, password: string): Promise<InProcessCompany> {
  return InProcessCompany.start(t, {
    link: LINK,
    transport: 'async',
    natsConfig: accounts(password),
    natsUrl: (_service, url) => url.replace('//', `//services:${password}@`),
  });
}

async function deliverMore(company: InProcessCompany): Promise<void> {
  await company.writeMany(MESSAGES, someKeys(KEYS));
  const isDone = async () => (await company.countOpen()) === 0;
  await until(isDone, { what: 'all is delivered', ...patient });
}

test('credentials that the broker refuses for a while cost no message', async (t) => {
  const company = await startCompany(t, 'right');
  await deliverMore(company);
  await company.nats.restart({ config: accounts('another') });
  await company.writeMany(MESSAGES, someKeys(KEYS));
  const refusals = async () => countRefusals(company);
  await until(async () => (await refusals()) >= 12, {
    what: 'refused again and again',
    ...patient,
  });
  await company.nats.restart({ config: accounts('right') });
  await deliverMore(company);
  await company.oracle();
});

test('permissions that are taken away and given back cost no message', async (t) => {
  const company = await startCompany(t, 'right');
  await deliverMore(company);
  await company.nats.reload(
    accounts('right', 'permissions: { publish: { deny: ">" }, subscribe: { deny: ">" } }'),
  );
  await company.writeMany(MESSAGES, someKeys(KEYS));
  // The first of each key; the others wait behind it.
  await untilBlocked(company, KEYS, /Permissions Violation/);
  await company.nats.reload(accounts('right'));
  await deliverMore(company);
  await company.oracle();
});

async function countRefusals(company: InProcessCompany): Promise<number> {
  return (await company.nats.log()).match(/authentication error/gi)?.length ?? 0;
}

const LIMIT = 1_200;
const LARGE = 41;
const SMALL = 30;

test('a message too large for the server waits with its key while others flow', async (t) => {
  const company = await InProcessCompany.start(t, {
    link: LINK,
    transport: 'async',
    natsConfig: `max_payload: ${LIMIT}`,
  });
  await flowAround(company, /max_payload is 1200; raise max_payload/, () =>
    company.nats.reload('max_payload: 1MB'),
  );
});

test('a message too large for the stream waits with its key while others flow', async (t) => {
  const company = await InProcessCompany.start(t, { link: LINK, transport: 'async' });
  await limitMessages(company, LIMIT);
  await flowAround(company, /message size exceeds maximum allowed \(10054\)/, () =>
    limitMessages(company, -1),
  );
});

async function flowAround(
  company: InProcessCompany,
  reason: RegExp,
  raise: () => Promise<void>,
): Promise<void> {
  const large = someKeys(LARGE);
  const long = '𝄞'.repeat(190);
  for (const key of large) await writeNamed(company, key, long);
  await untilBlocked(company, LARGE, reason);
  await company.write(large[0]); // has to wait behind the large one of its key
  const startedMs = performance.now();
  await company.writeMany(SMALL, someKeys(SMALL));
  const arrived = async () => (await appliedAt(company, 'hiring')) === SMALL;
  await until(arrived, { what: 'the small ones arrive', ...patient });
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < 5_000, `small messages took ${tookMs} ms`);
  const left = (LARGE + 1) * company.consumers.length;
  await until(async () => (await company.countOpen()) === left, {
    what: 'theirs close',
    ...patient,
  });
  await raise();
  const isDone = async () => (await company.countOpen()) === 0;
  await until(isDone, { what: 'all is delivered', ...patient });
  assert.equal(await appliedAt(company, 'hiring'), LARGE + 1 + SMALL, 'nothing was overtaken');
  for (const { count } of blockedLegs(company).values()) assert.equal(count, 0);
  await company.oracle();
}

async function writeNamed(company: InProcessCompany, key: string, name: string): Promise<void> {
  await company.producer.begin(async (tx) => {
    const message = await company.fixture.act(tx, key, name);
    await enqueue(tx, company.link, [message!]);
  });
}

function blockedLegs(company: InProcessCompany) {
  return company.nodes.get('assessments-1')!.kit.blockedLegs();
}

async function untilBlocked(company: InProcessCompany, count: number, reason: RegExp) {
  const isBlocked = () => {
    const leg = blockedLegs(company).get(`${LINK}/hiring`)!;
    return leg.count === count && reason.test(leg.reason);
  };
  await until(isBlocked, { what: `blocked: ${reason}`, ...patient });
}

async function appliedAt(company: InProcessCompany, consumer: string): Promise<number> {
  const [row] = await company.sqlOf.get(consumer)!<{ applied: number }[]>`
    select count(*)::int as applied from relink.inbox where outcome = 'applied'`;
  return row!.applied;
}

async function limitMessages(company: InProcessCompany, bytes: number): Promise<void> {
  const { connection, close } = await connectNats(company.nats.url, { name: 'limit' });
  try {
    const manager = await jetstreamManager(connection);
    await manager.streams.update(LINK, { max_msg_size: bytes });
  } finally {
    await close();
  }
}
