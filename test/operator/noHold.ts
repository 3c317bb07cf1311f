/**
 * `--no-hold` through the command line, on real services: the old transport is broken with messages
 * in it. Held, the lanes wait for them and the run says so; not held, they go by the new route.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { ALL_LANES, LANES, laneOf, subjectOf } from '../../link/link.ts';
import { HEADER } from '../../link/wire/headers.ts';
import { createRpcClient, type RpcClient } from '../../rpc/client.ts';
import { until } from '../harness/until.ts';
import { relink } from '../rigs/cli.ts';
import { jsonOf } from '../rigs/fakeOperator/setting.ts';
import { CALM } from '../rigs/processes/clients.ts';
import type { ProcessCompany } from '../rigs/processes/company.ts';
import { QUICK } from '../rigs/processes/desk.ts';
import { sharedCompany } from './company.ts';

const LINK = 'COMM-020';
const CONSUMER = 'hiring';
const HOUR_MS = 3_600_000;

describe('relink start --no-hold', () => {
  let company: ProcessCompany;
  let assessments: RpcClient<typeof AssessmentsService>;
  let hiring: RpcClient<typeof HiringService>;
  let authorId: string;
  before(async () => {
    company = sharedCompany();
    const addressOf = (name: string) => company.stack.addresses.services[name]![0]!.grpc;
    assessments = createRpcClient(AssessmentsService, addressOf('assessments'), CALM);
    hiring = createRpcClient(HiringService, addressOf('hiring'), CALM);
    const { manager } = await assessments.registerManager({ firstName: 'Ada', lastName: 'L' });
    authorId = manager!.managerId;
    await waitForReplicas(await createAssessments());
  });
  after(() => {
    assessments?.close();
    hiring?.close();
  });

  const run = (...args: string[]) => relink(company.stack.addresses.operator.grpc, ...args);
  const broker = async () => jetstreamManager(company.nats.connection);

  /** One in every lane, so that each stage of the move has one to wait for. */
  async function createAssessments(): Promise<string[]> {
    const ids = ALL_LANES.map(idInLane);
    for (const assessmentId of ids)
      await assessments.createAssessment({ assessmentId, authorId, title: '[Algebra] Groups' });
    return ids;
  }

  const hasReplica = (assessmentId: string) =>
    hiring.getAssessmentReplica({ assessmentId }).then(
      () => true,
      () => false,
    );

  async function waitForReplicas(ids: string[]): Promise<void> {
    for (const id of ids) await until(() => hasReplica(id), { what: `hiring has ${id}` });
  }

  async function leg() {
    const { link } = jsonOf(await run('link', LINK, '--json'));
    return link.legs.find(({ consumer }: { consumer: string }) => consumer === CONSUMER);
  }

  async function start(...more: string[]): Promise<void> {
    const settings = Object.entries({ ...QUICK, ...ON_FAIL });
    const ran = await run(
      ...['start', LINK, '--to', 'sync', '--way-back', 'keep', '--step', ...more],
      ...['--set', ...settings.map(([name, value]) => `${name}=${value}`)],
    );
    assert.equal(ran.exitCode, 3, ran.stderr);
  }

  /** Approves step by step until the run would do the named one. */
  async function approveUpTo(name: string): Promise<void> {
    await until(
      async () => {
        const { run: state, waiting } = jsonOf(await run('status', 'last', '--json'));
        if (waiting?.gate === 'approve' && waiting.threshold === `before ${name}`) return true;
        assert.ok(['running', 'waiting'].includes(state.state), state.problem);
        if (waiting?.gate === 'approve') await run('approve', 'last');
        return false;
      },
      { what: `the run is before ${name}`, withinMs: 150_000 },
    );
  }

  /** The broker takes messages and does not deliver them. */
  async function breakStream(): Promise<string[]> {
    await (await broker()).consumers.pause(LINK, CONSUMER, new Date(Date.now() + HOUR_MS));
    const ids = await createAssessments();
    const isStuck = async () => {
      const { outbox_open: open, stream_pending: pending } = await leg();
      return open === LANES && pending >= LANES;
    };
    await until(isStuck, { what: 'all messages are in the stream' });
    return ids;
  }

  /** A server goes on with a resumed consumer at its next message: one that is for nobody. */
  async function mendStream(): Promise<void> {
    await (await broker()).consumers.resume(LINK, CONSUMER);
    const toNobody = headers();
    toNobody.set(HEADER.consumers, 'nobody=1');
    const subject = subjectOf(LINK, 0, 0, 'AssessmentCreated');
    await jetstream(company.nats.connection).publish(subject, '', { headers: toNobody });
  }

  it('without it, lanes wait for what is in the broken stream, and the run says so', async () => {
    await start();
    await approveUpTo('route-canary');
    const ids = await breakStream();
    await run('approve', 'last', '--watch');
    const ran = await run('approve', 'last', '--watch');
    assert.equal(ran.exitCode, 3);
    assert.match(ran.stdout, /problem +watch-canary: lanes of hiring that have not adopted/);
    assert.equal(await hasReplica(ids[0]!), false);
    await mendStream();
    await waitForReplicas(ids);
    const back = await run('rollback', 'last', '--yes');
    assert.equal(back.exitCode, 0, back.stderr);
  });

  it('with it, all that is in the broken stream goes by the new route, once', async () => {
    await start('--no-hold');
    await approveUpTo('route-canary');
    const ids = await breakStream();
    await approveUpTo('soak');
    await waitForReplicas(ids);
    await until(async () => (await leg()).outbox_open === 0, { what: 'every receipt came' });
    // What the broker delivers late is known already.
    await mendStream();
    await until(async () => (await leg()).stream_pending === 0, { what: 'the stream is empty' });
    await run('approve', 'last', '--watch');
    await approveUpTo('certify');
    await run('approve', 'last', '--watch');
    await run('complete', 'last', '--confirm', LINK);
    // Step by step also after it: the consumers are gone, the stream is next.
    const ran = await run('approve', 'last', '--watch');
    assert.equal(ran.exitCode, 0, ran.stderr);
    assert.match(ran.stdout, /completed · ended .* · way back given up/);
    const verified = await run('verify', LINK);
    assert.equal(verified.exitCode, 0, verified.stdout);
  });
});

function idInLane(lane: number): string {
  for (;;) {
    const id = randomUUID();
    if (laneOf(id) === lane) return id;
  }
}

/**
 * A gate that fails leaves the run where it is. What waits in the broken stream is as old as the test:
 * only the lanes that do not adopt their route fail it.
 */
const ON_FAIL = {
  on_fail: 'pause',
  patience_seconds: '10',
  latency_limit_ms: String(HOUR_MS),
};
