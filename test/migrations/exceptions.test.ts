/** Certificates of epochs in which messages were settled and not applied. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { describe, it } from 'node:test';
import { applyExpand } from '../../db/schemaChanges.ts';
import { LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import { Transport } from '../../gen/relink/v1/route_pb.ts';
import { consumerHandlers } from '../../link/participant/consumerHandlers.ts';
import { Certificates, type ClosingStatement } from '../../migration/certificate.ts';
import { checkCertificate } from '../../migration/certificateCheck.ts';
import { certifyClosedEpochs } from '../../migration/leg/drain.ts';
import { Participants } from '../../migration/participants.ts';
import { gate } from '../../migration/plans/transport.ts';
import { giveOrder } from '../../migration/run/orders.ts';
import { closePostgres, connectPostgres, type Database } from '../../runtime/postgres.ts';
import { links } from '../../services/links.ts';
import type { Owner } from '../harness/owner.ts';
import { testDatabase } from '../harness/postgres.ts';
import { openAlone, type Played, playService } from '../rigs/oneStep.ts';

const template = { name: 'link', fill: (url: string) => applyExpand(url, ['link']) };
const step = gate('1', 'Watch', { name: 'watch', measures: [] });
const { ASYNC } = Transport;

type Settled = 'applied' | 'superseded' | 'dead' | 'parked';

/** A consumer whose inbox has one message with each of these outcomes in epoch 1, lane 0. */
async function consumerWith(
  t: Owner,
  id: 'COMM-010' | 'COMM-040',
  outcomes: readonly Settled[],
  others: Played = {},
) {
  const { url } = await testDatabase(t, template);
  const sql = connectPostgres(url, { name: 'exceptions' });
  t.after(() => closePostgres(sql));
  for (const outcome of outcomes) await settle(sql, id, outcome);
  const options = { sql, consumed: [links[id]], service: 'hiring' };
  return playService(t, { ...consumerHandlers(options as never), ...others });
}

async function settle(sql: Database, link: string, outcome: Settled): Promise<void> {
  const eventId = randomUUIDv7();
  await sql`insert into relink.inbox (event_id, link, lane, epoch, key, version, event_version, hash,
    outcome) values (${eventId}, ${link}, 0, 1, 'key', 1, 0, 1, ${outcome})`;
  if (outcome === 'dead')
    await sql`insert into relink.dead_letters (id, event_id, link, lane, epoch, event, event_version,
      key, version, reason, detail, attempts, state, body, headers)
      values (${randomUUIDv7()}, ${eventId}, ${link}, 0, 1, 'E', 0, 'key', 1, 'HANDLER_FAILED',
        'discarded', 5, 'discarded', '{}', '{}')`;
}

/** Its producer, which closed as many messages and dispatches by epoch 2. */
function producerOf(t: Owner, id: 'COMM-010' | 'COMM-040', closed: number, others: Played = {}) {
  const { kind } = links[id];
  const lane = { lane: 0, epoch: 2n, adoptedEpoch: 2n, transport: ASYNC, adoptedTransport: ASYNC };
  const digest = { count: BigInt(closed), sum: String(closed) };
  return playService(t, {
    describe: async () => ({
      produces: [{ id, kind: kind === 'formal' ? LinkKind.FORMAL : LinkKind.FUNCTIONAL }],
    }),
    getRoutes: async () => ({ epoch: 2n, lanes: [lane] }),
    getClosed: async () => ({ lanes: [{ lane: 0, epoch: 1n, digest }] }),
    findMessages: async () => ({}),
    ...others,
  });
}

/** The certificate of epoch 1, when the producer closed as many as the consumer settled. */
async function certify(t: Owner, id: 'COMM-010' | 'COMM-040', outcomes: readonly Settled[]) {
  const services = {
    assessments: [await producerOf(t, id, outcomes.length)],
    hiring: [await consumerWith(t, id, outcomes)],
  };
  const { sql, enter } = await openAlone(t, {
    ...{ step, services, consumers: ['hiring'], run: { link: id } },
  });
  await certifyClosedEpochs(await enter(), 'hiring');
  const [certificate] = await new Certificates(sql, 'test').list({ limit: 1 });
  const { statement, signature, publicKey } = certificate!;
  const check = checkCertificate(JSON.stringify({ statement, signature, publicKey }));
  assert.ok(check.isValid, JSON.stringify(check));
  return check.statement as unknown as ClosingStatement & { format: number };
}

describe('a certificate', { concurrency: 3 }, () => {
  it('of a functional link counts and names what was not applied, in a format of its own', async (t) => {
    const { exceptions, format } = await certify(t, 'COMM-040', ['applied', 'dead', 'superseded']);
    assert.deepEqual([exceptions?.dead, exceptions?.superseded, format], [1, 1, 2]);
    const named = exceptions!.messages.map(({ lane, outcome }) => `${lane} ${outcome}`);
    assert.deepEqual(named.sort(), ['0 dead', '0 superseded']);
  });

  it('of a formal link has only discarded messages as exceptions: newer states took the place of others', async (t) => {
    const { exceptions } = await certify(t, 'COMM-010', ['applied', 'dead', 'superseded']);
    assert.deepEqual([exceptions?.dead, exceptions?.superseded], [1, 0]);
    const { exceptions: none, format } = await certify(t, 'COMM-010', ['applied', 'superseded']);
    assert.deepEqual([none, format], [undefined, 1]);
  });

  it('is not signed while a message that counts as settled is parked', {
    timeout: 30_000,
  }, async (t) => {
    await assert.rejects(certify(t, 'COMM-040', ['applied', 'parked']), /1 of them still parked/);
  });
});

/** The producer closed this many of what the consumer settled: one message. */
async function differing(t: Owner, id: 'COMM-010' | 'COMM-040', closed: number) {
  const rows = { buckets: [{ bucket: 0, digest: { count: 5n, sum: '9' } }] };
  const services = {
    assessments: [await producerOf(t, id, closed, { getEntityDigest: async () => rows })],
    hiring: [await consumerWith(t, id, ['applied'], { getEntityDigest: async () => rows })],
  };
  const run = { link: id };
  const alone = await openAlone(t, { step, services, consumers: ['hiring'], run });
  const certificate = async () => {
    const [found] = await new Certificates(alone.sql, 'test').list({ limit: 1 });
    return found && JSON.parse(found.statement);
  };
  /** As the engine does when the step begins, and when it stopped and a person resumes the run. */
  const sign = async () => certifyClosedEpochs(await alone.enter(), 'hiring');
  const resume = async (accept: string) => {
    const current = (await alone.journal.read(alone.runId))!;
    const paused = await alone.journal.record(current, { run: { state: 'paused' } });
    const participants = new Participants(services);
    t.after(() => participants.close());
    const order = { order: 'resume', runId: alone.runId, actor: 'ada', accept } as const;
    await giveOrder({ journal: alone.journal, participants }, order);
    return paused;
  };
  return { sign, resume, certificate };
}

describe('an epoch that stays different for ever', { concurrency: 3, timeout: 60_000 }, () => {
  it('is certified with its lanes as an exception when the rows of a formal link are equal', async (t) => {
    const { sign, certificate } = await differing(t, 'COMM-010', 3);
    await sign();
    const { format, accepted } = await certificate();
    assert.deepEqual([format, accepted.by, accepted.lanes], [3, 'parity', [0]]);
    assert.equal(accepted.reason, 'the replica shows all 5 rows of the owner');
  });

  it('stops the run when the consumer has more than was sent, and names the order that accepts it', async (t) => {
    const { sign, certificate } = await differing(t, 'COMM-010', 0);
    await assert.rejects(sign(), {
      kind: 'stop',
      message:
        /lane 0: closed 0, settled 1; relink reconcile COMM-010 .*--accept-differences REASON/,
    });
    assert.equal(await certificate(), undefined);
  });

  it('of a functional link is signed when a person accepts exactly what the run stopped at', async (t) => {
    const { sign, resume, certificate } = await differing(t, 'COMM-040', 2);
    await assert.rejects(sign(), /closed 2, settled 1/);
    await resume('both were paid by hand');
    await sign();
    const { accepted } = await certificate();
    assert.deepEqual(accepted, {
      ...{ by: 'ada', reason: 'both were paid by hand', lanes: [0], messages: [] },
    });
  });

  it('cannot be accepted before the run has stopped at it', async (t) => {
    const { resume } = await differing(t, 'COMM-040', 2);
    await assert.rejects(resume('whatever it is'), { code: 'RUN_STATE' });
  });
});
