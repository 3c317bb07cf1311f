/** Parked messages over services with databases of their own, by real calls. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { applyExpand } from '../db/schemaChanges.ts';
import {
  GetParkedRequestSchema,
  LinkKind,
  ListParkedRequestSchema,
  SkipParkedRequestSchema,
} from '../gen/relink/v1/participant_pb.ts';
import type { Arrival } from '../link/inbox/delivery.ts';
import { Receiver } from '../link/inbox/receiver.ts';
import { solutionCompleted, solutionHandler } from '../link/inbox/solutions.fixture.ts';
import { laneOf } from '../link/link.ts';
import { readOpenVersions } from '../link/outbox/state.ts';
import { parkedHandlers as handlersOfService } from '../link/participant/parkedHandlers.ts';
import { Participants } from '../migration/participants.ts';
import { RpcCallError, RpcError } from '../rpc/errors.ts';
import { silentLog } from '../runtime/log.ts';
import { closePostgres, connectPostgres } from '../runtime/postgres.ts';
import { links } from '../services/links.ts';
import { testDatabase } from '../test/harness/postgres.ts';
import { playService } from '../test/rigs/oneStep.ts';
import { parkedHandlers } from './parked.ts';

/** These handlers use nothing but their request. */
const CALL = undefined as never;
const link = links['COMM-040'];
const LEG = 'COMM-040/bonuses';
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };

async function database(name: string) {
  const { url } = await testDatabase({ after }, template);
  const sql = connectPostgres(url, { name, max: 4 });
  after(() => closePostgres(sql));
  return sql;
}
const [hiring, bonuses] = [await database('hiring'), await database('bonuses')];
const produces = [{ id: link.id, kind: LinkKind.FUNCTIONAL, producer: 'hiring', consumers: [] }];
const participants = new Participants({
  hiring: [
    await playService(
      { after },
      {
        describe: async () => ({ service: 'hiring', produces }),
        listOpen: async ({ key }) => ({ versions: await readOpenVersions(hiring, LEG, key) }),
        getParked: handlersOfService({ sql: hiring, service: 'hiring' }).getParked,
        listParked: handlersOfService({ sql: hiring, service: 'hiring' }).listParked,
      },
    ),
  ],
  bonuses: [
    await playService(
      { after },
      {
        describe: async () => ({ service: 'bonuses' }),
        ...handlersOfService({ sql: bonuses, service: 'bonuses' }),
      },
    ),
  ],
});
after(() => participants.close());
const api = parkedHandlers(participants);

const handler = solutionHandler(async () => undefined);
const receiver = new Receiver({ sql: bonuses, link, log: silentLog, handler });

beforeEach(async () => {
  await bonuses`truncate relink.inbox, relink.positions, relink.parked, relink.dead_letters,
    relink.skips`;
  await hiring`truncate relink.outbox`;
});

const list = (wanted: { link?: string; key?: string; limit?: number; afterId?: string }) =>
  api.listParked(create(ListParkedRequestSchema, wanted), CALL);
const get = async (id: string) =>
  (await api.getParked(create(GetParkedRequestSchema, { id }), CALL)).parked!;
const skip = (id: string, position: bigint, more: { evenIfOpen?: boolean } = {}) =>
  api.skipParked(
    create(SkipParkedRequestSchema, { id, position, reason: 'lost', actor: 'ada', ...more }),
    CALL,
  );

/** Versions 1, 4, 5 and 7 of a key arrived: 2, 3 and 6 did not. */
async function arrive() {
  const key = randomUUIDv7();
  const arrivals = [1n, 4n, 5n, 7n].map((version) => solutionCompleted(key, version));
  await receiver.receive(arrivals);
  return { key, arrivals: arrivals as [Arrival, Arrival, Arrival, Arrival] };
}

async function refusedAs(call: Promise<unknown> | unknown): Promise<string> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof RpcCallError || error instanceof RpcError);
    assert.equal(error.reason, 'PARKED_STATE');
    return error.message;
  }
  return assert.fail('it was not refused');
}

test('messages are listed page by page with what each waits for, and shown with their body', async () => {
  const { key, arrivals } = await arrive();
  const other = await arrive();
  const first = await list({ key, limit: 2 });
  const second = await list({ key, limit: 2, afterId: first.nextId! });
  const all = [...first.parked!, ...second.parked!].sort((a, b) =>
    Number(a.entityVersion! - b.entityVersion!),
  );
  assert.deepEqual(
    all.map(({ entityVersion, position, missing }) => [entityVersion, position, missing]),
    [
      [4n, 1n, [2n, 3n]],
      [5n, 1n, [2n, 3n]],
      [7n, 1n, [2n, 3n, 6n]],
    ],
  );
  assert.equal((await list({})).total, 6n);
  assert.equal((await list({ link: 'COMM-050' })).parked!.length, 0);
  const shown = await get(all[0]!.id!);
  assert.deepEqual([shown.key, shown.body, shown.lane], [key, arrivals[1].text, laneOf(key)]);
  assert.notEqual(other.key, key);
});

test('a skip moves the key to its first parked message, is recorded, and is done once', async () => {
  const { key, arrivals } = await arrive();
  const [, four, , seven] = arrivals;
  const results = await Promise.allSettled([skip(seven.eventId, 1n), skip(four.eventId, 1n)]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const [record, ...others] = await bonuses`select * from relink.skips`;
  assert.deepEqual(
    [record?.key, record?.from_version, record?.through_version, record?.reason, record?.actor],
    [key, 2n, 3n, 'lost', 'ada'],
  );
  assert.equal(others.length, 0);
  const outcomes = [await receiver.unparkOne(), await receiver.unparkOne()];
  assert.deepEqual(
    outcomes.map((one) => one?.outcome),
    ['applied', 'applied'],
  );
  assert.equal(await receiver.unparkOne(), undefined, 'version 6 is still missing');
  assert.match(await refusedAs(skip(seven.eventId, 1n)), /at version 5 by now, not 1/);
});

test('what was skipped and comes after all is a dead letter, not lost', async () => {
  const { key, arrivals } = await arrive();
  await skip(arrivals[1].eventId, 1n);
  const [late] = await receiver.receive([solutionCompleted(key, 2n)]);
  assert.equal(late?.outcome, 'dead');
  const [letter] = await bonuses`select reason from relink.dead_letters`;
  assert.equal(letter?.reason, 'VERSION_PASSED');
});

test('a skip is refused while the missing message is open at the producer or a dead letter, unless it is said', async () => {
  const { key, arrivals } = await arrive();
  const { eventId } = arrivals[1];
  await hiring`insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
    values (${LEG}, ${laneOf(key)}, ${key}, 3, 'SolutionCompleted', 0, ${randomUUIDv7()}, '{}')`;
  assert.match(await refusedAs(skip(eventId, 1n)), /version 3 of the key is still open at hiring/);
  await hiring`truncate relink.outbox`;
  const bad = solutionCompleted(key, 2n);
  await receiver.receive([{ ...bad, text: bad.text.replace('completed_at', 'done_at') }]);
  const [letter] = await bonuses<{ id: string }[]>`select id from relink.dead_letters`;
  assert.match(await refusedAs(skip(eventId, 1n)), new RegExp(`redrive or discard ${letter!.id}`));
  assert.deepEqual((await get(eventId)).deadLetters, [letter!.id]);
  const { throughVersion } = await skip(eventId, 1n, { evenIfOpen: true });
  assert.equal(throughVersion, 3n);
});
