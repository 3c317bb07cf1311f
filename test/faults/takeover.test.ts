/**
 * Two relays share the lanes of a link. What one of them does with a route (adopting it, giving a
 * lane up) the other must know when it takes the lane over.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { raiseFence } from '../../link/inbox/fence.ts';
import { ALL_LANES, LANES, legOf } from '../../link/link.ts';
import { readRoutes } from '../../link/relay/routes.ts';
import { createRpcClient, type RpcClient } from '../../rpc/client.ts';
import { pauseConsuming } from '../conformance/losses.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';

const LINK = 'COMM-021';
const CONSUMER = 'hiring';
const LEG = legOf(LINK, CONSUMER);
const WITHIN_MS = 60_000;
/** Enough for a message in every lane. */
const KEYS = 80;
const SECOND = 'assessments-2';

/** Dispatches of the leg that failed so far. */
async function failuresOf(participant: RpcClient<typeof LinkParticipant>): Promise<number> {
  const { failed } = await participant.getProgress({ link: LINK, consumer: CONSUMER });
  return Number(failed);
}

async function lanesOf(company: InProcessCompany, instance: string): Promise<number> {
  const [row] = await company.producer<{ owned: number }[]>`
    select count(*)::int as owned from relink.lanes where link = ${LINK} and owner = ${instance}`;
  return row!.owned;
}

test('a relay that takes lanes over dispatches by the route they have by then', async (t) => {
  const company = await InProcessCompany.start(t, { link: LINK, transport: 'async' });
  await company.startNode('assessments', SECOND);
  const areShared = async () => (await lanesOf(company, SECOND)) === LANES / 2;
  await until(areShared, { withinMs: WITHIN_MS, what: 'the lanes are shared' });
  const keys = someKeys(KEYS);

  // Both relays see the change of all lanes while none of them can be adopted.
  await company.stopNode(`${CONSUMER}-1`);
  await company.writeMany(KEYS, someKeys(KEYS));
  const isDispatched = async () => (await company.countStored()) >= KEYS;
  await until(isDispatched, { withinMs: WITHIN_MS, what: 'everything is under way' });
  const epoch = await company.flip(CONSUMER, ALL_LANES, 'sync', true);
  await company.startNode(CONSUMER);
  await company.waitUntilAdopted(CONSUMER);

  // As a certificate leaves it: nothing is taken by the old route any more.
  await raiseFence(company.sqlOf.get(CONSUMER)!, LINK, ALL_LANES, epoch);
  await company.stopNode(`${CONSUMER}-1`);
  await company.writeMany(KEYS, keys);
  await company.stopNode(SECOND);
  const areTaken = async () => (await lanesOf(company, 'assessments-1')) === LANES;
  await until(areTaken, { withinMs: WITHIN_MS, what: 'the first relay has all lanes' });
  await company.startNode(CONSUMER);
  await company.oracle();
});

test('messages that failed on a broken stream go once, and in turn, by the route without hold', async (t) => {
  const company = await InProcessCompany.start(t, { link: LINK, transport: 'async' });
  await company.writeMany(KEYS, someKeys(KEYS));
  await until(async () => (await company.countOpen()) === 0, { what: 'the link carries' });
  const participant = createRpcClient(LinkParticipant, company.addresses.get('assessments')!);
  t.after(() => participant.close());
  // A consumer that listens would make the stream again.
  const manager = await pauseConsuming(t, company, LINK);
  await manager.streams.delete(LINK);
  const keys = someKeys(KEYS);
  await company.writeMany(KEYS, keys);
  assert.equal(await company.countOpen(), KEYS);
  const hasFailed = async () => (await failuresOf(participant)) > 3 * KEYS;
  await until(hasFailed, { withinMs: WITHIN_MS, what: 'publishing failed again and again' });
  await company.flip(CONSUMER, ALL_LANES, 'sync', false);
  await company.writeMany(KEYS, keys);
  await company.oracle();
  const routes = await readRoutes(company.producer, LEG);
  assert.ok(routes.every(({ adopted }) => adopted.transport === 'sync'));
});
