import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { silentLog } from '../../runtime/log.ts';
import { closePostgres, connectPostgres, type Transaction } from '../../runtime/postgres.ts';
import { type LinkEvent, links } from '../../services/links.ts';
import { managerReplica } from '../../services/managerReplicas.ts';
import { testDatabase } from '../../test/harness/postgres.ts';
import { LinkError } from '../errors.ts';
import type { EventOf } from '../link.ts';
import { listDeadLetters } from './deadLetters.ts';
import { type BusinessEvent, functional, type Handler, requireHandler } from './handler.ts';
import { Receiver } from './receiver.ts';
import { keepNewest } from './replica.ts';
import { solutionCompleted, solutionHandler } from './solutions.fixture.ts';

const link = links['COMM-040'];
type Completed = Extract<EventOf<typeof link>, { event_name: 'SolutionCompleted' }>;

const nothing = async () => undefined;
/** As a program without types may give it. */
const revokesOnly = functional({ SolutionRevoked: nothing }) as Handler;
const refusedAs = (handler: Handler | undefined) => {
  try {
    requireHandler(link, handler);
  } catch (error) {
    assert.ok(error instanceof LinkError);
    assert.equal(error.code, 'HANDLER_MISMATCH');
    return error.message;
  }
  return assert.fail('it is taken');
};

test('an event reaches the function of its name and no other', async () => {
  const seen: string[] = [];
  const handler = functional<EventOf<typeof link>>({
    SolutionCompleted: async (_tx, { payload }) =>
      void seen.push(payload.completed_at) as undefined,
    SolutionRevoked: async (_tx, { payload }) => void seen.push(payload.revoked_at) as undefined,
  });
  const tx = {} as Transaction;
  const event = { key: 'k', version: 1n, eventId: 'e' };
  await handler.apply(tx, { ...event, event: 'SolutionRevoked', payload: { revoked_at: 'r' } });
  await handler.apply(tx, { ...event, event: 'SolutionCompleted', payload: { completed_at: 'c' } });
  assert.deepEqual(seen, ['r', 'c']);
  for (const name of ['SolutionDoubted', 'constructor'])
    await assert.rejects(
      handler.apply(tx, { ...event, event: name, payload: {} }),
      /UNKNOWN_EVENT|has no handler/,
    );
  assert.equal(seen.length, 2);
});

test('a handler serves a link when it handles exactly its events', () => {
  const handler = solutionHandler(nothing);
  assert.equal(requireHandler(link, handler), handler);
  assert.match(refusedAs(undefined), /COMM-040 has no handler/);
  assert.match(refusedAs(revokesOnly), /COMM-040 carries SolutionCompleted, which its handler/);
  const more = functional({
    SolutionCompleted: nothing,
    SolutionRevoked: nothing,
    SolutionDoubted: nothing,
  });
  assert.match(refusedAs(more), /COMM-040 does not carry SolutionDoubted/);
  const formal = keepNewest<LinkEvent<'COMM-010'>>(managerReplica, {
    ManagerCreated: () => ({}),
    ManagerUpdated: () => ({}),
  });
  assert.match(
    refusedAs(formal),
    /is functional but its handler is formal; make it with functional/,
  );
});

test('the compiler misses an event that has no function, and knows the payload of each', () => {
  // @ts-expect-error SolutionRevoked is missing
  functional<EventOf<typeof link>>({ SolutionCompleted: nothing });
  functional<Completed>({
    SolutionCompleted: nothing,
    // @ts-expect-error the link has no such event
    SolutionDoubted: nothing,
  });
  functional<Completed>({
    // @ts-expect-error a completion has no revoked_at
    SolutionCompleted: async (_tx, { payload }) => void payload.revoked_at as undefined,
  });
  const half = functional<Completed>({ SolutionCompleted: nothing });
  // @ts-expect-error it does not handle SolutionRevoked
  const whole: Handler<EventOf<typeof link>> = half;
  assert.deepEqual(Object.keys(whole.events), ['SolutionCompleted']);
});

test('a message of an event without a function becomes a dead letter and has no effect', async () => {
  const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
  const { url } = await testDatabase({ after }, template);
  const sql = connectPostgres(url, { name: 'handler' });
  after(() => closePostgres(sql));
  const applied: BusinessEvent[] = [];
  const handler = functional({
    SolutionRevoked: async (_tx: Transaction, event: BusinessEvent) =>
      void applied.push(event) as undefined,
  }) as Handler;
  const receiver = new Receiver({ sql, link, log: silentLog, handler });
  const [receipt] = await receiver.receive([solutionCompleted()]);
  assert.equal(receipt?.outcome, 'dead');
  const [letter] = await listDeadLetters(sql, { link: link.id, limit: 1 });
  assert.equal(letter?.reason, 'UNKNOWN_CONTRACT');
  assert.match(letter?.detail ?? '', /does not handle SolutionCompleted/);
  assert.deepEqual(applied, []);
});
