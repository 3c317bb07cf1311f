/** What a version took away goes at every consumer, also of a link that moved consumer by consumer. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { applyExpand } from '../../db/schemaChanges.ts';
import type { CheckErasureRequest } from '../../gen/relink/v1/operator_pb.ts';
import { Transport } from '../../gen/relink/v1/route_pb.ts';
import { erasingHandlers } from '../../link/participant/erasingHandlers.ts';
import { Certificates } from '../../migration/certificate.ts';
import { StepProblem } from '../../migration/errors.ts';
import type { PlanStep } from '../../migration/plan.ts';
import { numbered } from '../../migration/plans/transport.ts';
import { eraseFields } from '../../migration/steps/erase.ts';
import { proveErased } from '../../migration/steps/proveErased.ts';
import { erasureHandlers } from '../../operator/erasure.ts';
import type { RpcContext } from '../../rpc/handlers.ts';
import { connectNats } from '../../runtime/nats.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import { testNats } from '../harness/nats.ts';
import type { Owner } from '../harness/owner.ts';
import { testDatabase } from '../harness/postgres.ts';
import { noStreams, openAlone, type Played, playService } from '../rigs/oneStep.ts';

const link = links['COMM-010'];
const described = { id: link.id, producer: link.producer, consumers: Object.keys(link.consumers) };
const erasing = numbered('7', 'Erase', eraseFields);
const proof = numbered('7', 'Prove', proveErased);
const fill = (url: string) => applyExpand(url, ['link']);

async function openDatabase(t: Owner): Promise<Database> {
  const { url } = await testDatabase(t, { name: 'link', fill });
  const sql = connectPostgres(url, { name: 'erasing' });
  t.after(() => closePostgres(sql));
  return sql;
}

async function bury(sql: Database): Promise<void> {
  await sql`insert into relink.dead_letters (id, event_id, link, lane, epoch, event, event_version,
      key, version, reason, detail, attempts, state, body, headers)
    values (${randomUUID()}, ${randomUUID()}, ${link.id}, 0, 1, 'ManagerCreated', 0, 'a', 1,
      'HANDLER_FAILED', '', 1, 'discarded', '{"first_name":"Ada"}', '{}')`;
}

const namesIn = async (sql: Database) =>
  (await sql`select from relink.dead_letters where body like '%Ada%'`).length;

/** Every lane of every leg is at v1, and the run is that of the last consumer. */
async function open(
  t: Owner,
  hiring: Database,
  played: (erasing: Played) => Played,
  of: PlanStep = erasing,
) {
  const [assessments, bonuses] = [await openDatabase(t), await openDatabase(t)];
  const source = { table: 'relink.links', key: 'link', version: 'epoch', forms: {} };
  const mute = { ...source, page: async () => [], phrases: async () => [] };
  const sources = { [link.id]: mute };
  const consumer = (sql: Database): Played => ({
    ...erasingHandlers({ sql, produced: [], consumed: [link] }),
    describe: async () => ({ consumes: [described] }),
  });
  const lanes = [{ transport: Transport.SYNC, version: 1, adoptedVersion: 1 }];
  const owner: Played = {
    ...erasingHandlers({ sql: assessments, produced: [link], consumed: [], sources }),
    describe: async () => ({ produces: [described] }),
    // The legs went different ways before.
    getRoutes: async ({ consumer }) => ({ lanes, epoch: consumer === 'hiring' ? 9n : 5n }),
  };
  const services = {
    assessments: [await playService(t, owner)],
    hiring: [await playService(t, played(consumer(hiring)))],
    bonuses: [await playService(t, consumer(bonuses))],
  };
  const { connection, close } = await connectNats((await testNats(t)).url, { name: 'test' });
  t.after(close);
  const manager = await jetstreamManager(connection);
  const streams = { ...noStreams, manager: async () => manager };
  const settings = { patience_seconds: '1' };
  const run = { to: { transport: 'sync', version: 1 } } as const;
  return openAlone(t, { step: of, consumers: ['bonuses'], services, run, streams, settings });
}

describe('erasing after the last consumer moved', () => {
  it('reaches the consumers that moved before', async (t) => {
    const hiring = await openDatabase(t);
    await bury(hiring);
    const alone = await open(t, hiring, (erasing) => erasing);
    await erasing.apply(await alone.enter());
    assert.equal(await namesIn(hiring), 0);
  });

  it('is repeated until no row of an older version is left', async (t) => {
    const hiring = await openDatabase(t);
    await bury(hiring);
    let calls = 0;
    const late = (erasing: Played): Played => ({
      ...erasing,
      eraseFields: async (...call) => {
        calls += 1;
        const answer = await erasing.eraseFields!(...call);
        if (calls > 1) return answer;
        // As a letter that somebody changed while it was looked at.
        await bury(hiring);
        return { ...answer, left: { dead_letters: 1n } };
      },
    });
    const alone = await open(t, hiring, late);
    await erasing.apply(await alone.enter());
    assert.equal(await namesIn(hiring), 0);
  });

  it('names a service that never gets rid of them', async (t) => {
    const hiring = await openDatabase(t);
    const never = (erasing: Played): Played => ({
      ...erasing,
      eraseFields: async () => ({ left: { history: 2n } }),
    });
    const alone = await open(t, hiring, never);
    await assert.rejects(async () => erasing.apply(await alone.enter()), {
      name: StepProblem.name,
      message:
        /^hiring keeps getting messages in versions before v1 \(history: 2\); .* relink resume /,
    });
  });
});

describe('the proof after erasing', () => {
  it('covers letters of older versions that came since then, of whose names the owner knows none', async (t) => {
    const hiring = await openDatabase(t);
    await bury(hiring);
    const alone = await open(t, hiring, (erasing) => erasing, proof);
    await proof.apply(await alone.enter());
    assert.equal(await namesIn(hiring), 0);
  });

  it('is of the newest epoch of every leg, also of those that moved before', async (t) => {
    const alone = await open(t, await openDatabase(t), (erasing) => erasing, proof);
    await proof.apply(await alone.enter());
    const [{ epoch } = {}] = await alone.sql`select epoch from migration.certificates`;
    assert.equal(epoch, 9n);
  });

  it('is not signed of letters that came while it searched', async (t) => {
    const hiring = await openDatabase(t);
    let searches = 0;
    const late = (erasing: Played): Played => ({
      ...erasing,
      findTraces: async (...call) => {
        searches += 1;
        if (searches === 1) await bury(hiring);
        return erasing.findTraces!(...call);
      },
    });
    const alone = await open(t, hiring, late, proof);
    await proof.apply(await alone.enter());
    assert.equal(await namesIn(hiring), 0);
    assert.equal(searches, 2);
  });
});

describe('the proof once more, after its run', () => {
  it('finds what a restored database brought back, and is signed beside the first once it is erased', async (t) => {
    const hiring = await openDatabase(t);
    const alone = await open(t, hiring, (erasing) => erasing, proof);
    const context = await alone.enter();
    await proof.apply(context);
    await bury(hiring);
    const certificates = new Certificates(alone.sql, 'test');
    const { participants, streams, signal } = context;
    const handlers = erasureHandlers({ ...alone, certificates, participants, streams });
    const check = async (erase: boolean) => {
      const wanted = { link: link.id, logFiles: '', erase };
      return lastOf(handlers.checkErasure(wanted as CheckErasureRequest, { signal } as RpcContext));
    };
    await assert.rejects(check(false), { code: 'RUN_STATE' });
    await alone.sql`update migration.runs set state = 'completed'`;
    const { checked: before } = await check(false);
    assert.deepEqual(
      before!.searched!.filter(({ found }) => found! > 0n).map(({ place }) => place),
      ['hiring: relink.dead_letters.event_version'],
    );
    assert.equal(before!.certificate, undefined);
    assert.equal(await namesIn(hiring), 1);
    const { checked: after } = await check(true);
    assert.equal(await namesIn(hiring), 0);
    const all = await certificates.list({ link: link.id, limit: 10 });
    assert.deepEqual(
      all.map(({ kind, epoch }) => [kind, epoch]),
      Array(2).fill(['erasure', 9]),
    );
    assert.equal(all[0]!.id, after!.certificate!.id);
  });
});

async function lastOf<T>(answers: AsyncIterable<T>): Promise<T> {
  let last: T | undefined;
  for await (const answer of answers) last = answer;
  return last!;
}
