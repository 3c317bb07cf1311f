/** Both sources of a rating: the replica in a real database, and hiring over real gRPC. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { Change, Handler } from 'relink';
import { createRpcClient, createRpcServer, RpcCallError, serve, unknownId } from 'relink/rpc';
import { closePostgres, connectPostgres } from 'relink/runtime';
import { applyExpand } from '../../../db/schemaChanges.ts';
import { HiringService } from '../../../gen/hiring/v1/hiring_service_pb.ts';
import { ALL_LANES, linkOf } from '../../../link/link.ts';
import { countComparisons } from '../../../link/pull/comparisons.ts';
import { changeReading, prepareReadings, type Reading } from '../../../link/pull/readings.ts';
import { testDatabase } from '../../../test/harness/postgres.ts';
import { links } from '../../links.ts';
import { UNRATED } from '../domain/booking.ts';
import { pullRatings, ratingLookup } from './ratingLookup.ts';
import { putRatings } from './ratings.ts';

const template = {
  name: 'service_bonuses',
  fill: (url: string) => applyExpand(url, ['link', 'bonuses']),
};

const rated = randomUUID();

async function open(t: TestContext, reading: Reading) {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'test' });
  t.after(() => closePostgres(sql));
  const services = [serve(HiringService, answering() as never)];
  const server = createRpcServer({ host: '127.0.0.1', port: 0, services });
  await server.start();
  t.after(() => server.stop());
  const hiring = createRpcClient(HiringService, `127.0.0.1:${server.port()}`);
  t.after(() => hiring.close());
  // The first call connects, and a comparison waits half a second at most.
  await hiring.getAssessmentRating({ assessmentId: rated }, { deadlineMs: 60_000 });
  const ratings = ratingLookup(() => hiring);
  await prepareReadings(sql, [linkOf(links, ratings.link)]);
  await sql.begin((tx) =>
    changeReading(tx, { link: ratings.link, lanes: ALL_LANES, reading, expected: 0 }),
  );
  return {
    look: (assessmentId: string) => sql.begin((tx) => ratings.read(tx, assessmentId)),
    put: (version: bigint, rating: number) =>
      sql.begin((tx) => applyRatings(tx, [changeTo(version, rating)])),
    compared: async () => {
      const { examples, ...counts } = await countComparisons(sql, ratings.link, 0);
      return counts;
    },
    pull: pullRatings(ratings),
    sql,
    stopHiring: () => server.stop(),
  };
}

const applyRatings = (putRatings as Handler & { kind: 'formal' }).apply;

function changeTo(version: bigint, rating: number): Change {
  const payload = { assessment_id: rated, rating, rated_at: '2026-01-01T00:00:00Z' };
  const event = 'AssessmentRatingChanged';
  return { key: rated, version, event, payload, contractVersion: 0, older: {} };
}

test('a rating is the newest of the replica, whatever order the ratings came in', async (t) => {
  const { look, put } = await open(t, 'replica');
  await put(7n, 64);
  await put(6n, 91);
  assert.deepEqual(await look(rated), { rating: 64, version: 7n });
});

test('a rating is that of an assessment without results when the replica has heard of none', async (t) => {
  const { look } = await open(t, 'replica');
  assert.deepEqual(await look(randomUUID()), UNRATED);
});

test('a rating is what hiring answers once the source is changed', async (t) => {
  const { look } = await open(t, 'owner');
  assert.deepEqual(await look(rated), { rating: 80, version: 9n });
});

test('a rating is never guessed when hiring does not know it or is away', async (t) => {
  const { look, stopHiring } = await open(t, 'owner');
  await assert.rejects(look(randomUUID()), RpcCallError);
  await stopHiring();
  await assert.rejects(look(rated), RpcCallError);
});

test('while both are compared the replica answers, and what differs is noted', async (t) => {
  const { look, put, compared, stopHiring } = await open(t, 'compared');
  const none = { equal: 0, behind: 0, different: 0, unanswered: 0 };
  await put(8n, 79);
  assert.deepEqual(await look(rated), { rating: 79, version: 8n });
  assert.deepEqual(await compared(), { ...none, behind: 1 }, 'hiring is at version 9');
  await put(9n, 80);
  await look(rated);
  assert.deepEqual(await compared(), { ...none, behind: 1, equal: 1 });
  await put(10n, 80);
  await look(rated);
  assert.deepEqual(await compared(), { ...none, behind: 1, equal: 1, different: 1 });
  await stopHiring();
  assert.deepEqual(await look(rated), { rating: 80, version: 10n }, 'hiring is not needed');
  assert.deepEqual(await compared(), { ...none, behind: 1, equal: 1, different: 1, unanswered: 1 });
});

test('the replica that is dropped and made again is the same table', async (t) => {
  const { sql, pull } = await open(t, 'owner');
  const shape = () => sql`
    select column_name, data_type, is_nullable, (select string_agg(indexdef, ';') from pg_indexes
      where tablename = 'rating_replicas') as indexes
    from information_schema.columns where table_name = 'rating_replicas' order by 1`;
  const before = [...(await shape())];
  assert.equal(before.length, 3);
  await sql.begin((tx) => pull.dropTable(tx));
  await sql.begin((tx) => pull.dropTable(tx));
  assert.deepEqual([...(await shape())], []);
  await sql.begin((tx) => pull.makeTable(tx));
  await sql.begin((tx) => pull.makeTable(tx));
  assert.deepEqual([...(await shape())], before);
});

/** A hiring that knows one rating. */
function answering() {
  const others = HiringService.methods.map(({ localName }) => [
    localName,
    () => assert.fail('nobody should call this'),
  ]);
  return {
    ...Object.fromEntries(others),
    getAssessmentRating: ({ assessmentId }: { assessmentId: string }) => {
      if (assessmentId !== rated) throw unknownId('assessment_id', 'assessment');
      return { rating: { assessmentId, rating: 80, version: 9n } };
    },
  };
}
