/** What a long history makes long: no answer of a service grows beyond a page, and all is read. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import type { InboxLaneDigest } from '../../gen/relink/v1/participant_pb.ts';
import type { LaneDigest } from '../../gen/relink/v1/route_pb.ts';
import { consumerHandlers } from '../../link/participant/consumerHandlers.ts';
import type { ParticipantOptions } from '../../link/participant/context.ts';
import { entityHandlers } from '../../link/participant/entityHandlers.ts';
import { producerHandlers } from '../../link/participant/producerHandlers.ts';
import { readClosed, readInbox } from '../../migration/leg/digests.ts';
import { comparePart } from '../../migration/leg/parity.ts';
import { type ParticipantClient, Participants } from '../../migration/participants.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { managerReplica } from '../../services/managerReplicas.ts';
import { testDatabase } from '../harness/postgres.ts';
import { type Played, playService } from '../rigs/oneStep.ts';

const link = links['COMM-010'];
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'long-lists', max: 2 });
after(() => closePostgres(sql));

/** The calls of this file use nothing else of a service. */
const options = {
  ...{ sql, service: 'hiring', produced: [link], consumed: [link] },
  replicas: { [link.id]: managerReplica },
} as unknown as ParticipantOptions;

async function open(handlers: Played): Promise<ParticipantClient> {
  const peers = { one: [await playService({ after }, handlers)] };
  const participants = new Participants(peers);
  after(() => participants.close());
  return participants.of('one');
}

const service = await open({
  ...producerHandlers(options),
  ...consumerHandlers(options),
  ...entityHandlers(options),
});

describe('digests of more epochs than a page has', () => {
  const EPOCHS = 1_500;
  const LANES = 16;
  const leg = { link: link.id, consumer: 'hiring' };

  it('are all read on both sides, page by page', async () => {
    await sql`insert into relink.closed (leg, lane, epoch, count, sum)
      select 'COMM-010/hiring', lane, epoch, 1, epoch
      from generate_series(1, ${EPOCHS}) epoch, generate_series(0, ${LANES - 1}) lane`;
    await sql`insert into relink.inbox (event_id, link, lane, epoch, key, version, event_version,
        hash, outcome)
      select gen_random_uuid(), 'COMM-010', lane, epoch, 'ada', 1, 0, epoch, 'applied'
      from generate_series(1, ${EPOCHS}) epoch, generate_series(0, ${LANES - 1}) lane`;
    const { lanes, nextEpoch } = await service.getClosed(leg);
    assert.deepEqual([lanes.length, nextEpoch], [1_000 * LANES, 1_000n]);
    assert.equal((await service.getInboxDigest({ link: link.id })).nextEpoch, 1_000n);
    const [closed, inbox] = [await readClosed(service, leg), await readInbox(service, link.id)];
    assert.equal(closed.length, EPOCHS * LANES);
    const told = ({ lane, epoch, digest }: LaneDigest | InboxLaneDigest) =>
      `${lane}/${epoch}/${digest?.count}/${digest?.sum}`;
    assert.deepEqual(inbox.map(told), closed.map(told));
  });

  it('of one epoch are those of that epoch', async () => {
    const { lanes, nextEpoch } = await service.getClosed({ ...leg, epoch: 1_200n });
    assert.deepEqual([lanes.length, nextEpoch], [LANES, 0n]);
  });
});

it('says what became of 500 copies at once and of no more, for each may have a reason', async () => {
  const eventIds = Array.from({ length: 501 }, () => randomUUID());
  await assert.rejects(service.getReceipts({ link: link.id, eventIds, copies: true }), {
    code: 'INVALID_ARGUMENT',
    fields: [{ field: 'event_ids', description: 'must be at most 500 where copies are asked for' }],
  });
  const fewer = { link: link.id, eventIds: eventIds.slice(1), copies: true };
  assert.deepEqual((await service.getReceipts(fewer)).receipts, []);
});

describe('rows of a bucket', () => {
  /** More than one answer of gRPC could carry. */
  const ROWS = 85_000;

  it('come page by page, each once', async () => {
    await sql`create table manager_replicas
      (id uuid primary key, version int8, first_name text, last_name text)`;
    await sql`insert into manager_replicas
      select gen_random_uuid(), 1000000000, 'Ada', 'Lovelace' from generate_series(1, ${ROWS})`;
    const keys = new Set<string>();
    let afterKey = '';
    do {
      const { rows, nextKey } = await service.listEntityBucket({
        ...{ link: link.id, buckets: 1, afterKey },
      });
      for (const { key } of rows) keys.add(key);
      afterKey = nextKey;
    } while (afterKey !== '');
    assert.equal(keys.size, ROWS);
  });

  it('are compared on all pages of both sides', async () => {
    const row = (key: string, hash = 1n) => ({ key, version: 1n, hash });
    const pages = (second: ReturnType<typeof row>[]): Played => ({
      listEntityBucket: async ({ afterKey }) =>
        afterKey === 'a' ? { rows: second } : { rows: [row('a')], nextKey: 'a' },
    });
    const sides = {
      link: link.id,
      version: 0,
      producer: await open(pages([row('b'), row('c')])),
      consumer: await open(pages([row('b', 2n), row('d')])),
    };
    const suspects = await comparePart(sides, { of: 256, nth: 0 });
    assert.deepEqual(
      suspects.map(({ key }) => key),
      ['b', 'c', 'd'],
    );
  });
});
