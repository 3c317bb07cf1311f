/** Messages a consumer cannot apply: retried, then kept with the reason; the others go on. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import {
  type DeadLetterRow,
  discardDeadLetter,
  editDeadLetter,
  listDeadLetters,
  readDeadLetter,
} from '../../link/inbox/deadLetters.ts';
import type { Change, Handler } from '../../link/inbox/handler.ts';
import { redrive } from '../../link/inbox/redrive.ts';
import type { Transport } from '../../link/link.ts';
import type { Transaction } from '../../runtime/postgres.ts';
import { until } from '../harness/until.ts';
import { InProcessCompany, someKeys } from '../rigs/inProcess/company.ts';

const LINK = 'COMM-010';
const CONSUMER = 'hiring';
const CLICKS = 5;
/** A handler that does not hang is done within it on a busy machine too; every hung one waits for it. */
const HUNG_LIMIT_MS = 4_000;

// Side by side: most of the time is waiting for handlers that hang.
describe('dead letters', { concurrency: 2 }, () => {
  for (const transport of ['sync', 'async'] as const)
    describe(`on ${transport}`, { concurrency: 2 }, () => {
      test('a handler that hangs is abandoned and its message kept as HANDLER_TIMEOUT', async (t) => {
        const [hung, ...others] = someKeys(8) as [string];
        let isHanging = true;
        const company = await InProcessCompany.start(t, {
          link: LINK,
          transport,
          limits: { handlerTimeoutMs: HUNG_LIMIT_MS, maxAttempts: 2 },
          wrap: (handler) =>
            guarded(handler, (key) =>
              isHanging && key === hung ? new Promise(() => {}) : undefined,
            ),
        });
        await company.writeMany(16, [hung, ...others]);
        const dead = await deadOf(company, 2);
        assert.deepEqual(new Set(dead.map((row) => row.reason)), new Set(['HANDLER_TIMEOUT']));
        assert.deepEqual(new Set(dead.map((row) => row.attempts)), new Set([2]));
        isHanging = false;
        await redriveEverywhere(company);
        await company.oracle();
      });

      test('an event that does not fit its schema is kept with the field, edited and redriven once', async (t) => {
        const { company, key } = await startWithBadEvent(t, transport);
        for (const consumer of company.consumers) {
          const [dead] = await deadOf(company, 1, consumer);
          assert.equal(dead!.reason, 'INVALID_EVENT');
          assert.match(dead!.detail, /first_name/);
          assert.equal(dead!.key, key);
          await editFirstName(company, consumer, dead!);
        }
        await redriveEverywhere(company);
        await company.oracle();
      });

      test('a discarded message is given up and counted as settled', async (t) => {
        const { company, key } = await startWithBadEvent(t, transport);
        for (const consumer of company.consumers) {
          const [dead] = await deadOf(company, 1, consumer);
          const sql = company.sqlOf.get(consumer)!;
          assert.equal(await discardDeadLetter(sql, dead!.id, 'test', 'wrong'), true);
          assert.equal(await discardDeadLetter(sql, dead!.id, 'test', 'wrong'), false, 'only once');
          const handler = company.fixture.handlers[consumer]!;
          const { outcome } = await redrive(sql, company.link, handler, dead!.id, 'test');
          assert.equal(outcome, 'gone', 'a discarded message is not redriven');
        }
        await company.oracle(Object.fromEntries(company.consumers.map((name) => [name, [key]])));
      });
    });
});

/** Calls `before` with each key first; what it answers is awaited. */
function guarded(handler: Handler, before: (key: string) => Promise<void> | undefined): Handler {
  assert.ok(handler.kind === 'formal');
  return {
    ...handler,
    apply: async (tx: Transaction, changes: readonly Change[]) => {
      for (const { key } of changes) await before(key);
      return handler.apply(tx, changes);
    },
  };
}

/** A company whose relay starts when one of its messages is spoilt already; answers its key. */
async function startWithBadEvent(t: TestContext, transport: Transport) {
  const company = await InProcessCompany.start(t, {
    link: LINK,
    transport,
    writesAs: `${LINK}=v1/v0`,
    elsewhere: ['assessments'],
  });
  const key = await writeBadEvent(company);
  await company.startNode('assessments');
  return { company, key };
}

/** Writes managers; the first name of one is not what the schema wants, as a bug would make it. */
async function writeBadEvent(company: InProcessCompany): Promise<string> {
  const [key, ...others] = someKeys(5) as [string];
  await company.writeMany(10, others);
  await company.write(key);
  await company.producer`update managers set first_name = 'Ada' where id = ${key}`;
  await company.producer`update relink.outbox
    set body = regexp_replace(body, '"first_name":"[^"]*"', '"first_name":""') where key = ${key}`;
  return key;
}

/** Waits until the outbox is empty; answers the consumer's dead letters. */
async function deadOf(
  company: InProcessCompany,
  count: number,
  consumer = CONSUMER,
): Promise<DeadLetterRow[]> {
  await until(async () => (await company.countOpen()) === 0, {
    withinMs: 120_000,
    what: 'others and dead letters are settled',
    everyMs: 50,
  });
  const sql = company.sqlOf.get(consumer)!;
  const dead = await listDeadLetters(sql, { link: LINK, limit: 1_000 });
  assert.equal(dead.length, count);
  return dead;
}

/** Unedited it does not fit; edited by one person it is not overwritten by another. */
async function editFirstName(company: InProcessCompany, consumer: string, dead: DeadLetterRow) {
  const sql = company.sqlOf.get(consumer)!;
  const { id, revision } = dead;
  const { body } = (await readDeadLetter(sql, id))!;
  const again = await redrive(sql, company.link, company.fixture.handlers[consumer]!, id, 'x');
  assert.equal(again.outcome, 'dead');
  const edit = { id, revision, body: body.replace('"first_name":""', '"first_name":"Ada"') };
  assert.equal(await editDeadLetter(sql, { ...edit, actor: 'one' }), revision + 1);
  assert.equal(await editDeadLetter(sql, { ...edit, actor: 'two' }), undefined);
}

/** Clicks redrive several times at once for every dead letter: exactly one click has an effect. */
async function redriveEverywhere(company: InProcessCompany): Promise<void> {
  for (const consumer of company.consumers) {
    const sql = company.sqlOf.get(consumer)!;
    const handler = company.fixture.handlers[consumer]!;
    for (const { id } of await listDeadLetters(sql, { link: LINK, limit: 1_000 })) {
      const clicks = Array.from({ length: CLICKS }, () =>
        redrive(sql, company.link, handler, id, 'test'),
      );
      const outcomes = (await Promise.all(clicks)).map(({ outcome }) => outcome);
      assert.equal(outcomes.filter((outcome) => outcome === 'gone').length, CLICKS - 1);
    }
  }
}
