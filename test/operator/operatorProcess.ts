/**
 * The operator as a process: its API, its death in the middle of a run, and a broker that forgot
 * all.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Operator, type RunStatus } from '../../gen/relink/v1/operator_pb.ts';
import { createRpcClient, RpcCallError, type RpcClient } from '../../rpc/client.ts';
import { until } from '../harness/until.ts';
import { CALM } from '../rigs/processes/clients.ts';
import type { ProcessCompany } from '../rigs/processes/company.ts';
import { LINK, QUICK } from '../rigs/processes/desk.ts';
import { sharedCompany } from './company.ts';

function refused(code: string, reason: string) {
  return (error: unknown) =>
    error instanceof RpcCallError && error.code === code && error.reason === reason;
}

describe('the operator', () => {
  let company: ProcessCompany;
  let operator: RpcClient<typeof Operator>;
  before(() => {
    company = sharedCompany();
    operator = createRpcClient(Operator, company.stack.addresses.operator.grpc, CALM);
  });
  after(() => operator?.close());

  const start = (to: string, settings: Record<string, string> = {}) =>
    operator.start({
      link: LINK,
      to,
      wayBack: 'keep',
      actor: 'test',
      settings: { ...QUICK, ...settings },
    });

  async function reached(id: string, state: string): Promise<RunStatus> {
    let status: RunStatus | undefined;
    await until(
      async () => {
        status = (await operator.getRun({ id }, { retryUnavailable: true })).status;
        return status?.run?.state === state;
      },
      { withinMs: 150_000, what: `run ${id} is ${state}` },
    );
    return status!;
  }

  it('lists the links with their routes and what is wrong with them', async () => {
    const link = await until(
      async () => {
        const { links } = await operator.listLinks({});
        const [first] = links;
        return first?.legs.every(({ warnings }) => warnings.length === 0) ? first : undefined;
      },
      { what: 'nothing to warn of' },
    );
    assert.equal(link?.id, LINK);
    assert.deepEqual(link.legs.map(({ consumer }) => consumer).sort(), ['bonuses', 'hiring']);
    for (const leg of link.legs) {
      assert.deepEqual(
        leg.routes.map(({ lanes, transport, version, epoch }) => [
          lanes.length,
          transport,
          version,
          epoch,
        ]),
        [[16, 'sync', 0, 1n]],
      );
    }
    const { services } = await operator.getTopology({});
    assert.ok(services.every(({ replicas }) => replicas.every(({ up }) => up)));
  });

  it('plans without doing, and says why it will not', async () => {
    const settings = { lag_limit_ms: '700' };
    const { steps, from, to, thresholds } = await operator.plan({
      link: LINK,
      to: 'async',
      settings,
    });
    const lag = thresholds.find(({ setting }) => setting === 'lag_limit_ms');
    assert.deepEqual([lag?.value, lag?.unit, lag?.measures], [700, 'ms', ['lag']]);
    assert.deepEqual([from, to], ['sync v0', 'async v0']);
    assert.ok(steps.every(({ title, number }) => title.startsWith(`${number}. `)));
    assert.deepEqual([...new Set(steps.map(({ number }) => number))].sort(), [
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
    ]);
    const plan = (request: Partial<{ link: string; to: string }>) =>
      operator.plan({ link: LINK, to: 'async', ...request });
    await assert.rejects(plan({ to: 'sync' }), refused('FAILED_PRECONDITION', 'LINK_NOT_MOVABLE'));
    await assert.rejects(plan({ link: 'COMM-999' }), refused('NOT_FOUND', 'LINK_UNKNOWN'));
    await assert.rejects(plan({ to: 'carrier pigeon' }), (error: unknown) => {
      assert.ok(refused('INVALID_ARGUMENT', 'FIELDS_INVALID')(error));
      assert.deepEqual(
        (error as RpcCallError).fields.map(({ field }) => field),
        ['to'],
      );
      return true;
    });
    const id = '01900000-0000-7000-8000-000000000000';
    await assert.rejects(operator.getRun({ id }), refused('NOT_FOUND', 'ID_UNKNOWN'));
    await assert.rejects(operator.getCertificate({ id }), refused('NOT_FOUND', 'ID_UNKNOWN'));
    await assert.rejects(operator.getDeadLetter({ id }), refused('NOT_FOUND', 'ID_UNKNOWN'));
  });

  it('shows a run while it goes, survives being killed in it, and ends with proofs', async () => {
    const { status } = await start('async', { canary_seconds: '3' });
    const id = status!.run!.id;
    await assert.rejects(start('async'), refused('ALREADY_EXISTS', 'LINK_BUSY'));
    const states = new Set<string>();
    const watching = (async () => {
      for await (const { status: seen } of operator.watchRun({ id }, { deadlineMs: Infinity }))
        for (const step of seen!.steps) states.add(`${step.name} ${step.state}`);
    })().catch((error: unknown) => {
      assert.ok(error instanceof RpcCallError && error.code === 'UNAVAILABLE');
    });
    await until(() => states.has('watch-canary running'), { what: 'the canary' });
    const [program] = company.stack.service('operator');
    await program!.kill();
    await watching;
    assert.ok(states.has('preflight done'));
    await program!.start();
    const waiting = await reached(id, 'waiting');
    assert.equal(waiting.waiting?.gate, 'complete');
    assert.equal(waiting.waiting?.undo, `relink rollback ${id}`);
    await assert.rejects(
      operator.completeRun({ id, confirm: 'yes' }),
      refused('FAILED_PRECONDITION', 'CONFIRMATION_WRONG'),
    );
    await operator.completeRun({ id, confirm: LINK, actor: 'test' });
    await reached(id, 'completed');
    const { equal, legs } = await operator.verify({ link: LINK }, { deadlineMs: 60_000 });
    assert.equal(equal, true, JSON.stringify(legs.map(({ findings }) => findings.map(String))));
    const { certificates } = await operator.listCertificates({ link: LINK, run: id });
    assert.deepEqual(certificates.map(({ consumer }) => consumer).sort(), ['bonuses', 'hiring']);
    const { runs } = await operator.listRuns({});
    assert.deepEqual(
      runs.map((run) => [run.id, run.from, run.to, run.state]),
      [[id, 'sync', 'async', 'completed']],
    );
  });

  it('makes the stream again that a broker with an empty store has forgotten', async () => {
    await company.stack.nats!.restart({ emptyStore: true });
    const streamState = async () => {
      const { links } = await operator.listLinks({});
      return links[0]!.legs.flatMap(({ warnings }) => warnings);
    };
    await until(async () => (await streamState()).length === 0, {
      what: 'the stream is back',
    });
    const { equal } = await operator.verify({ link: LINK }, { deadlineMs: 60_000 });
    assert.equal(equal, true);
  });

  it('names a consumer that listens where nobody sends', async () => {
    const { status } = await start('sync');
    const id = status!.run!.id;
    await reached(id, 'waiting');
    await operator.completeRun({ id, confirm: LINK });
    await reached(id, 'completed');
    const hiring = company.participants.of('hiring');
    await hiring.setListening({ link: LINK, listening: true });
    const warnings = async () => {
      const { links } = await operator.listLinks({});
      return links[0]!.legs.find(({ consumer }) => consumer === 'hiring')!.warnings;
    };
    const wanted = ['starving consumer: hiring listens where nobody sends'];
    await until(async () => isDeepStrictEqual(await warnings(), wanted), { what: wanted[0]! });
    await hiring.setListening({ link: LINK, listening: false });
  });
});
