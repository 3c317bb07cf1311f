/** Where the digests of a leg differ, the messages that make them differ are named. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { consumerHandlers } from '../../link/participant/consumerHandlers.ts';
import type { ParticipantOptions } from '../../link/participant/context.ts';
import { reconcileHandlers } from '../../link/participant/reconcileHandlers.ts';
import { keepDays } from '../../link/upkeep/dayPartitions.ts';
import {
  type DifferingLanes,
  describeDiffering,
  findDiffering,
} from '../../migration/leg/differing.ts';
import { Participants } from '../../migration/participants.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../harness/postgres.ts';
import { playService } from '../rigs/oneStep.ts';

const HISTORY = { table: 'history', column: 'closed_at', keepDays: 7, beginsNow: true };
const link = links['COMM-040'];
const leg = 'COMM-040/bonuses';
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'differing', max: 2 });
after(() => closePostgres(sql));
beforeEach(() => sql`truncate relink.inbox, relink.history, relink.outbox`);

/** Both sides on one database: the calls of this file use nothing else of a service. */
const options = {
  ...{ sql, service: 'bonuses', produced: [link], consumed: [link], keepsHistory: true },
  manager: () => Promise.reject(new Error('no broker')),
} as unknown as ParticipantOptions;
const both = await playService(
  { after },
  {
    ...consumerHandlers(options),
    ...reconcileHandlers(options),
  },
);
const participants = new Participants({ both: [both] });
after(() => participants.close());

interface Message {
  readonly id: string;
  readonly lane?: number;
  readonly epoch?: number;
  readonly hash?: number;
}

async function close({ id, lane = 4, epoch = 3, hash = 7 }: Message): Promise<void> {
  await sql`insert into relink.history (leg, event_id, lane, key, version, event, event_version, body,
      created_at, epoch, hash, hashed_version)
    values (${leg}, ${id}, ${lane}, 'k', 1, 'SolutionCompleted', 0, '{}', now(), ${epoch}, ${hash}, 0)`;
}

async function settle({ id, lane = 4, epoch = 3, hash = 7 }: Message): Promise<void> {
  await sql`insert into relink.inbox (event_id, link, lane, epoch, key, version, event_version, hash,
      outcome)
    values (${id}, ${link.id}, ${lane}, ${epoch}, 'k', 1, 0, ${hash}, 'applied')`;
}

async function open({ id, lane = 4 }: Message): Promise<void> {
  await sql`insert into relink.outbox (leg, lane, key, version, event, event_version, event_id, body)
    values (${leg}, ${lane}, 'k', 1, 'SolutionCompleted', 0, ${id}, '{}')`;
}

const side = participants.of('both');
const name = async (where: DifferingLanes = new Map([[3n, [4]]])) => {
  const sides = { link: link.id, consumer: 'bonuses', producerSide: side, consumerSide: side };
  return (await findDiffering(sides, where)).map(describeDiffering);
};

test('without a history nothing is named', async () => {
  await settle({ id: randomUUIDv7() });
  assert.deepEqual(await name(), []);
});

test('a history knows what was closed since it began', async () => {
  await keepDays(sql, HISTORY);
  const id = randomUUIDv7();
  await settle({ id });
  assert.deepEqual(await name(), [`${id} settled and not sent, epoch 3 lane 4`]);
});

test('what one side alone has, or has otherwise, is named; what is equal or under way is not', async () => {
  const messages = Array.from({ length: 6 }, () => randomUUIDv7())
    .sort()
    .map((id) => ({ id }));
  type Six = [Message, Message, Message, Message, Message, Message];
  const [equal, lost, changed, moved, underWay, unknown] = messages as unknown as Six;
  for (const one of [equal, lost, changed, moved]) await close(one);
  for (const one of [equal, underWay, unknown]) await settle(one);
  await settle({ ...changed, hash: 8 });
  await settle({ ...moved, epoch: 2 });
  await open(underWay);
  await close({ id: randomUUIDv7(), lane: 5 });
  await settle({ id: randomUUIDv7(), epoch: 2 });
  assert.deepEqual(await name(), [
    `${lost.id} closed and not settled, epoch 3 lane 4`,
    `${changed.id} settled with other contents, epoch 3 lane 4`,
    `${moved.id} settled under epoch 2, and closed, epoch 3 lane 4`,
    `${unknown.id} settled and not sent, epoch 3 lane 4`,
  ]);
  assert.deepEqual(await name(new Map()), []);
});

test('one among more than a page is found, and of many some are named', async () => {
  const ids = Array.from({ length: 2_500 }, () => randomUUIDv7()).sort();
  await sql`insert into relink.history (leg, event_id, lane, key, version, event, event_version, body,
      created_at, epoch, hash, hashed_version)
    select ${leg}, id, 4, 'k', 1, 'SolutionCompleted', 0, '{}', now(), 3, 7, 0
    from unnest(${ids}::uuid[]) id`;
  await sql`insert into relink.inbox (event_id, link, lane, epoch, key, version, event_version, hash,
      outcome)
    select id, ${link.id}, 4, 3, 'k', 1, 0, 7, 'applied' from unnest(${ids}::uuid[]) id`;
  assert.deepEqual(await name(), []);
  await sql`delete from relink.inbox where event_id = ${ids[2_100]!}`;
  assert.deepEqual(await name(), [`${ids[2_100]} closed and not settled, epoch 3 lane 4`]);
  await sql`truncate relink.inbox`;
  assert.equal((await name()).length, 10);
});
