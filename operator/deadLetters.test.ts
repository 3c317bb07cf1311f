/** Dead letters over services with databases of their own, by real calls. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { applyExpand } from '../db/schemaChanges.ts';
import type { ListDeadLettersResponseSchema } from '../gen/relink/v1/participant_pb.ts';
import {
  GetDeadLetterRequestSchema,
  ListDeadLettersRequestSchema,
} from '../gen/relink/v1/participant_pb.ts';
import { deadLetterHandlers as handlersOfService } from '../link/participant/deadLetterHandlers.ts';
import { Participants } from '../migration/participants.ts';
import { closePostgres, connectPostgres, type Database } from '../runtime/postgres.ts';
import { testDatabase } from '../test/harness/postgres.ts';
import { playService } from '../test/rigs/oneStep.ts';
import { deadLetterHandlers } from './deadLetters.ts';

/** These handlers use nothing but their request. */
const CALL = undefined as never;
/** So large that a service answers two of them in a page, and the operator, too. */
const DETAIL_LENGTH = 400_000;
const PER_PAGE = 2;
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };

const databases = new Map<string, Database>();
const peers: Record<string, string[]> = {};
for (const service of ['hiring', 'bonuses', 'management']) {
  const { url } = await testDatabase({ after }, template);
  const sql = connectPostgres(url, { name: service, max: 2 });
  after(() => closePostgres(sql));
  databases.set(service, sql);
  const options = { sql, service, consumed: [], handlers: {} };
  peers[service] = [await playService({ after }, handlersOfService(options))];
}
const all = new Participants(peers);
/** Nobody listens on port 1. */
const withoutBonuses = new Participants({ ...peers, bonuses: ['127.0.0.1:1'] });
after(() => all.close());
after(() => withoutBonuses.close());

const idOf = (turn: number) => `0199c0de-0000-7000-8000-00000000000${turn}`;

async function bury(service: string, turns: readonly number[]): Promise<void> {
  const sql = databases.get(service)!;
  for (const turn of turns)
    await sql`
      insert into relink.dead_letters (id, link, lane, epoch, event, event_version, key, version,
        reason, detail, attempts, body, headers)
      values (${idOf(turn)}, 'COMM-040', 0, 1, 'SolutionCompleted', 0, 'ada', 1, 'INVALID_EVENT',
        repeat('x', ${DETAIL_LENGTH}), 1, '{}', '{}')`;
}

beforeEach(async () => {
  for (const sql of databases.values()) await sql`truncate relink.dead_letters`;
});

type Page = MessageInitShape<typeof ListDeadLettersResponseSchema>;

async function list(participants: Participants, afterId = ''): Promise<Page> {
  const request = create(ListDeadLettersRequestSchema, { afterId });
  return deadLetterHandlers(participants).listDeadLetters(request, CALL);
}

describe('dead letters of all services', () => {
  it('are listed each once and in order, though pages end early', async () => {
    await bury('hiring', [1, 3, 5, 7]);
    await bury('bonuses', [2, 8, 9]);
    const seen: (string | undefined)[] = [];
    let afterId = '';
    do {
      const { deadLetters = [], nextId = '', unanswered } = await list(all, afterId);
      assert.ok(deadLetters.length <= PER_PAGE);
      assert.deepEqual(unanswered, []);
      seen.push(...deadLetters.map(({ id }) => id));
      afterId = nextId;
    } while (afterId !== '');
    assert.deepEqual(seen, [1, 2, 3, 5, 7, 8, 9].map(idOf));
  });

  it('are listed with the names of services that gave no answer', async () => {
    await bury('hiring', [1]);
    const { deadLetters = [], unanswered = [] } = await list(withoutBonuses);
    assert.deepEqual(
      deadLetters.map(({ id }) => id),
      [idOf(1)],
    );
    assert.deepEqual(
      unanswered.map(({ service }) => service),
      ['bonuses'],
    );
    assert.match(unanswered[0]!.why!, /ListDeadLetters at 127\.0\.0\.1:1: UNAVAILABLE/);
  });
});

describe('one dead letter', () => {
  const get = async (participants: Participants, id: string) =>
    deadLetterHandlers(participants).getDeadLetter(
      create(GetDeadLetterRequestSchema, { id }),
      CALL,
    );

  it('is found at the service that holds it', async () => {
    await bury('bonuses', [2]);
    const { deadLetter } = await get(all, idOf(2));
    assert.equal(deadLetter?.id, idOf(2));
    await assert.rejects(get(all, idOf(3)), { code: 'NOT_FOUND' });
  });

  it('is not unknown while the service that may hold it gives no answer', async () => {
    await assert.rejects(get(withoutBonuses, idOf(2)), { code: 'UNAVAILABLE' });
  });
});
