/** The broker answers, and refuses: credentials, permissions, some of the messages. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { enqueue } from '../../link/outbox/enqueue.ts';
import { HEADER } from '../../link/wire/headers.ts';
import { Participants } from '../../migration/participants.ts';
import { listLinks } from '../../operator/links.ts';
import { UnroutedWatch } from '../../operator/unrouted.ts';
import { createRpcClient } from '../../rpc/client.ts';
import { createRpcServer, serve } from '../../rpc/server.ts';
import { connectNats } from '../../runtime/nats.ts';
import { registerManager } from '../../services/assessments/domain/manager.ts';
import { assessmentsHandlers } from '../../services/assessments/rpc/assessments.ts';
import { insertManager } from '../../services/assessments/store/managers.ts';
import { links as map } from '../../services/links.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';

const MANAGERS = 'COMM-010';
const ASSESSMENTS = 'COMM-020';
const KEYS = 24;
const MESSAGES = 100;
/** Clients and relays come back in their own time, which is less than a minute. */
const patient = { withinMs: 60_000, everyMs: 50 };

/** Of the server in the exact case of a report, far below what the kit accepts. */
const MAX_PAYLOAD = 65_536;
const LARGE_EXERCISES = Array.from({ length: 20 }, (_, i) => ({
  title: `Exercise ${i}`,
  text: '𝄞'.repeat(1_500),
}));
/** Of the stream. */
const MAX_MESSAGE = 1_200;
const EMMY = { firstName: 'Emmy', lastName: 'Noether' };
const LARGE = 41;
const SMALL = 30;
/** A second, on a machine that does nothing else. */
const ARRIVE_WITHIN_MS = 5_000;

/** Services come with a password; the test itself comes without. */
function accounts(password: string, permissions = '') {
  return `
    authorization { users: [
      { user: services, password: ${password}, ${permissions} }, { user: test, password: test }] }
    no_auth_user: test`;
}

function startCompany(t: TestContext, password: string): Promise<InProcessCompany> {
  return InProcessCompany.start(t, {
    link: MANAGERS,
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

// Side by side: most of the time is waiting for clients and relays to try again.
describe('a broker that refuses', { concurrency: 3 }, () => {
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

  test('a broker whose store is full says so and costs no message', async (t) => {
    const store = (size: string) => `jetstream { max_file_store: ${size} }`;
    const company = await InProcessCompany.start(t, {
      ...{ link: MANAGERS, transport: 'async' },
      natsConfig: store('128KB'),
      streamDemand: { maxBytes: -1 },
    });
    const keys = someKeys(KEYS);
    const isFull = () => /insufficient .*resources|maximum bytes/.test(blockedReason(company));
    await until(async () => isFull() || (await company.writeMany(MESSAGES, keys)), {
      what: 'the store is full',
      ...patient,
    });
    await company.nats.restart({ config: store('1GB') });
    await deliverMore(company);
    await company.oracle();
  });

  test('assessments too large for the server wait with their reason while others arrive', async (t) => {
    const natsConfig = `max_payload: ${MAX_PAYLOAD}`;
    const company = await InProcessCompany.start(t, { link: ASSESSMENTS, natsConfig });
    const api = await serveAssessments(t, company);
    const create = async (assessmentId: string, exercises: typeof LARGE_EXERCISES) => {
      const authorId = await writeAuthor(company);
      await api.createAssessment({ assessmentId, authorId, title: 'Groups', exercises });
    };
    const large = someKeys(LARGE);
    for (const key of large) await create(key, LARGE_EXERCISES);
    await untilBlocked(company, LARGE, /max_payload is 65536; raise max_payload/);
    await flowAround(company, large, async () => {
      for (const key of someKeys(SMALL)) await create(key, []);
    });
    assert.match(
      (await warningsOf(t, company)).join(),
      /^41 messages wait, the longest for \d+ s: too large for the NATS server: \d+ bytes, and its max_payload is 65536; raise max_payload$/,
    );
    await release(company, large[0]!, () => company.nats.reload('max_payload: 1MB'));
  });

  test('messages too large for the stream wait with their key while others flow', async (t) => {
    // With names in the message itself: those of newer builds come from the row, as it is by then.
    const writesAs = `${MANAGERS}=v1/v0`;
    const company = await InProcessCompany.start(t, {
      ...{ link: MANAGERS, transport: 'async', writesAs },
    });
    await limitMessages(company, MAX_MESSAGE);
    const large = someKeys(LARGE);
    for (const key of large) await writeNamed(company, key, '𝄞'.repeat(190));
    await untilBlocked(company, LARGE, /message size exceeds maximum allowed \(10054\)/);
    await flowAround(company, large, () => company.writeMany(SMALL, someKeys(SMALL)));
    await release(company, large[0]!, () => limitMessages(company, -1));
  });
});

async function countRefusals(company: InProcessCompany): Promise<number> {
  return (await company.nats.log()).match(/authentication error/gi)?.length ?? 0;
}

/** A later message of a large one's key waits behind it, and small ones of other keys arrive. */
async function flowAround(
  company: InProcessCompany,
  large: readonly string[],
  writeSmall: () => Promise<void>,
): Promise<void> {
  await company.write(large[0]);
  const startedMs = performance.now();
  await writeSmall();
  const arrived = async () => (await appliedAt(company, 'hiring')) === SMALL;
  await until(arrived, { what: 'the small ones arrive', ...patient });
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < ARRIVE_WITHIN_MS, `small messages took ${tookMs} ms`);
  const left = (LARGE + 1) * company.consumers.length;
  const areClosed = async () => (await company.countOpen()) === left;
  await until(areClosed, { what: 'theirs close', ...patient });
}

/** What waited goes out once the broker takes it. */
async function release(
  company: InProcessCompany,
  key: string,
  raise: () => Promise<void>,
): Promise<void> {
  await raise();
  const isDone = async () => (await company.countOpen()) === 0;
  await until(isDone, { what: 'all is delivered', ...patient });
  assert.deepEqual(await storedVersions(company, key), ['1', '2'], 'nothing was overtaken');
  for (const { count } of blockedLegs(company).values()) assert.equal(count, 0);
  await company.oracle();
}

/** The public API of assessments on the company's node. */
async function serveAssessments(t: TestContext, company: InProcessCompany) {
  const { sql, kit } = company.nodes.get('assessments-1')!;
  const services = [serve(AssessmentsService, assessmentsHandlers({ sql, kit, links: map }))];
  const server = createRpcServer({ host: '127.0.0.1', port: 0, services, stopLimitMs: 100 });
  await server.start();
  t.after(() => server.stop());
  const client = createRpcClient(AssessmentsService, server.address(), { deadlineMs: 60_000 });
  t.after(() => client.close());
  return client;
}

/** Every assessment has another author. */
async function writeAuthor(company: InProcessCompany): Promise<string> {
  const author = registerManager(randomUUID(), EMMY, new Date());
  await company.producer.begin((tx) => insertManager(tx, author));
  return author.id;
}

/** What `relink links` warns of. */
async function warningsOf(t: TestContext, company: InProcessCompany): Promise<readonly string[]> {
  const peers = [...company.addresses].map(([service, address]) => [service, [address]]);
  const participants = new Participants(Object.fromEntries(peers));
  t.after(() => participants.close());
  const { connection, close } = await connectNats(company.nats.url, { name: 'links' });
  try {
    const { links } = await listLinks({
      participants,
      manager: () => jetstreamManager(connection),
      liveRuns: async () => [],
      unrouted: new UnroutedWatch(participants),
      missingOf: () => 0,
      contractAlarms: () => [],
    });
    return links[0]!.legs![0]!.warnings!;
  } finally {
    await close();
  }
}

/** The versions of a key for hiring in the order of the stream, which its consumer keeps. */
async function storedVersions(company: InProcessCompany, key: string): Promise<string[]> {
  const { connection, close } = await connectNats(company.nats.url, { name: 'order' });
  try {
    const { streams } = await jetstreamManager(connection);
    const { state } = await streams.info(company.link.id);
    const versions = new Set<string>();
    for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
      const { header } = (await streams.getMessage(company.link.id, { seq }))!;
      const isForHiring = /hiring/.test(header.get(HEADER.consumers));
      if (isForHiring && header.get(HEADER.key) === key) versions.add(header.get(HEADER.version));
    }
    return [...versions];
  } finally {
    await close();
  }
}

async function writeNamed(company: InProcessCompany, key: string, name: string): Promise<void> {
  await company.producer.begin(async (tx) => {
    const message = await company.fixture.act(tx, key, name);
    await enqueue(tx, company.written, [message!]);
  });
}

function blockedLegs(company: InProcessCompany) {
  return company.nodes.get('assessments-1')!.kit.blockedLegs();
}

function blockedReason(company: InProcessCompany): string {
  return blockedLegs(company).get(`${company.link.id}/hiring`)!.reason;
}

async function untilBlocked(company: InProcessCompany, count: number, reason: RegExp) {
  const isBlocked = () => {
    const leg = blockedLegs(company).get(`${company.link.id}/hiring`)!;
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
    await manager.streams.update(MANAGERS, { max_msg_size: bytes });
  } finally {
    await close();
  }
}
