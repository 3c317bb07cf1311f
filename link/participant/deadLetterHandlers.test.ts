/** Redriving and discarding dead letters of an ordered link. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, beforeEach, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { applyExpand } from '../../db/schemaChanges.ts';
import {
  DiscardDeadLetterRequestSchema,
  RedriveDeadLetterRequestSchema,
} from '../../gen/relink/v1/participant_pb.ts';
import { Outcome } from '../../gen/relink/v1/receipt_pb.ts';
import { RpcError } from '../../rpc/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import type { Arrival } from '../inbox/delivery.ts';
import { Receiver } from '../inbox/receiver.ts';
import { solutionCompleted, solutionHandler } from '../inbox/solutions.fixture.ts';
import { deadLetterHandlers } from './deadLetterHandlers.ts';

const link = links['COMM-040'];
const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const { url } = await testDatabase({ after }, template);
const sql = connectPostgres(url, { name: 'dead-letters' });
after(() => closePostgres(sql));

let applied: bigint[] = [];
let isBroken = false;
const handler = solutionHandler(async (_tx, { version }) => {
  if (isBroken) throw new Error('broken');
  applied.push(version);
  return undefined;
});
const receiver = new Receiver({ sql, link, log: silentLog, handler, limits: { maxAttempts: 1 } });
const [service, actor] = ['bonuses', 'test'];
const handlers = { [link.id]: handler };
const api = deadLetterHandlers({ sql, service, consumed: [link], handlers });

beforeEach(async () => {
  applied = [];
  isBroken = false;
  await sql`truncate relink.inbox, relink.positions, relink.parked, relink.attempts,
    relink.dead_letters`;
});

/** Receives a message that becomes a dead letter; returns the letter's id. */
async function dead(arrival: Arrival): Promise<string> {
  const [receipt] = await receiver.receive([arrival]);
  assert.equal(receipt!.outcome, 'dead');
  const [row] = await sql<{ id: string }[]>`
    select id from relink.dead_letters order by id desc limit 1`;
  return row!.id;
}

/** These handlers use nothing but their request. */
const CALL = undefined as never;
async function redrive(id: string) {
  return api.redriveDeadLetter(create(RedriveDeadLetterRequestSchema, { id, actor }), CALL);
}

async function discard(id: string) {
  const request = create(DiscardDeadLetterRequestSchema, { id, actor, reason: 'wrong' });
  return api.discardDeadLetter(request, CALL);
}

test('discarding a letter with a reused id does not take the turn of the first message', async () => {
  const first = solutionCompleted();
  isBroken = true;
  const letter = await dead(first);
  const reused = await dead({ ...first, text: first.text.replace('T00:00:00Z', 'T00:00:01Z') });
  isBroken = false;
  await discard(reused);
  const { outcome } = await redrive(letter);
  assert.equal(outcome, Outcome.APPLIED);
  assert.deepEqual(applied, [1n]);
});

test('letters of a key are discarded in order, and messages parked behind them get their turn', async () => {
  const key = randomUUIDv7();
  const spoiled = (version: bigint): Arrival => {
    const arrival = solutionCompleted(key, version);
    return { ...arrival, text: arrival.text.replace('completed_at', 'done_at') };
  };
  const [second, first] = [await dead(spoiled(2n)), await dead(spoiled(1n))];
  const [third] = await receiver.receive([solutionCompleted(key, 3n)]);
  assert.equal(third!.outcome, 'parked');
  await assert.rejects(discard(second), (error) => {
    assert.ok(error instanceof RpcError);
    assert.equal(error.code, 'FAILED_PRECONDITION');
    assert.equal(error.reason, 'DEAD_LETTER_STATE');
    assert.match(error.message, /earlier message of its key/);
    return true;
  });
  const [row] = await sql`select state from relink.dead_letters where id = ${second}`;
  assert.equal(row!.state, 'dead', 'nothing was done');
  await discard(first);
  await discard(second);
  assert.equal((await receiver.unparkOne())?.outcome, 'applied');
  assert.deepEqual(applied, [3n]);
});
