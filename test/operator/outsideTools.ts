/** What the public interfaces promise to programs that are not ours: grpcurl, the nats CLI. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, describe, it, type TestContext } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { findGoTool } from '../harness/goTools.ts';
import { until } from '../harness/until.ts';
import type { ProcessCompany } from '../rigs/processes/company.ts';
import { LINK } from '../rigs/processes/desk.ts';
import { sharedCompany } from './toolsCompany.ts';

const TOOL_LIMIT_MS = 60_000;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('programs that are not ours', () => {
  let company: ProcessCompany;
  before(() => {
    company = sharedCompany();
  });

  const addressOf = (service: string) => company.stack.addresses.services[service]![0]!.grpc;

  async function run(t: TestContext, tool: 'grpcurl' | 'nats', ...args: string[]) {
    const found = await findGoTool(tool);
    if ('missing' in found) {
      t.skip(found.missing);
      return undefined;
    }
    return spawnSync(found.path, args, { encoding: 'utf8', timeout: TOOL_LIMIT_MS });
  }

  it('grpcurl lists the services of every port', async (t) => {
    const expected = [
      ['assessments', 'assessments.v1.AssessmentsService'],
      ['hiring', 'hiring.v1.HiringLinks'],
      ['bonuses', 'bonuses.v1.BonusesService'],
    ] as const;
    for (const [service, name] of expected) {
      const listed = await run(t, 'grpcurl', '-plaintext', addressOf(service), 'list');
      if (!listed) return;
      const names = listed.stdout.split('\n');
      for (const one of [name, 'relink.v1.LinkParticipant', 'grpc.health.v1.Health'])
        assert.ok(names.includes(one), `${service} serves ${one}: ${listed.stdout}`);
    }
  });

  it('grpcurl registers a manager and finds it at both consumers', async (t) => {
    const body = '{"first_name":"Ada","last_name":"Lovelace"}';
    const method = 'assessments.v1.AssessmentsService/RegisterManager';
    const address = addressOf('assessments');
    const called = await run(t, 'grpcurl', '-plaintext', '-d', body, address, method);
    if (!called) return;
    const { manager, deliveries } = JSON.parse(called.stdout);
    assert.match(manager.managerId, UUID_V7);
    assert.deepEqual(
      deliveries.map((delivery: Record<string, string>) => [delivery.link, delivery.consumer]),
      [
        [LINK, 'hiring'],
        [LINK, 'bonuses'],
      ],
    );
    const asked = JSON.stringify({ manager_id: manager.managerId });
    for (const [service, api] of [
      ['hiring', 'hiring.v1.HiringService/GetManagerReplica'],
      ['bonuses', 'bonuses.v1.BonusesService/GetManagerReplica'],
    ] as const) {
      const replica = await until(
        async () => {
          const answer = await run(
            t,
            'grpcurl',
            '-plaintext',
            '-d',
            asked,
            addressOf(service),
            api,
          );
          return answer?.status === 0 ? JSON.parse(answer.stdout) : undefined;
        },
        { what: `${service} has the manager` },
      );
      assert.equal(replica.manager.lastName, 'Lovelace');
    }
  });

  it('grpcurl is told every wrong field by name', async (t) => {
    const method = 'assessments.v1.AssessmentsService/RegisterManager';
    const body = '{"manager_id":"x","first_name":""}';
    const address = addressOf('assessments');
    const called = await run(t, 'grpcurl', '-plaintext', '-d', body, address, method);
    if (!called) return;
    assert.match(called.stderr, /Code: InvalidArgument/);
    for (const field of ['manager_id', 'first_name', 'last_name'])
      assert.match(called.stderr, new RegExp(`"field": "${field}"`));
  });

  it('an event on the stream reads as the interfaces say', async () => {
    const desk = await company.desk();
    desk.engine();
    await desk.reached(await desk.start({ to: 'async' }), 'waiting');
    const traffic = await company.startTraffic(3);
    await traffic.stop();
    const manager = await jetstreamManager(company.nats.connection);
    const { config } = await manager.streams.info(LINK);
    assert.deepEqual(config.subjects, [`${LINK}.>`]);
    assert.deepEqual([config.retention, config.discard, config.storage], ['limits', 'new', 'file']);
    assert.equal(config.duplicate_window, 120_000_000_000);
    const consumer = await jetstream(company.nats.connection).consumers.get(LINK, {
      filter_subjects: `${LINK}.*.v0.ManagerCreated`,
    });
    let message = await consumer.next({ expires: TOOL_LIMIT_MS });
    // Before them are the copies of the run's probes.
    while (message?.headers?.get('Nats-Msg-Id').includes('/shadow/'))
      message = await consumer.next({ expires: TOOL_LIMIT_MS });
    assert.match(message!.subject, /^COMM-010\.(0\d|1[0-5])\.v0\.ManagerCreated$/);
    const event = message!.json<Record<string, unknown>>();
    const headers = message!.headers!;
    assert.equal(headers.get('Nats-Msg-Id'), event.event_id);
    assert.equal(headers.get('Nats-Expected-Stream'), LINK);
    assert.equal(
      headers.get('Relink-Key'),
      (event.payload as Record<string, string>).manager_replication_id,
    );
    assert.equal(headers.get('Relink-Entity-Version'), '1');
    assert.equal(headers.get('Relink-Source'), 'assessments');
    assert.ok(Number(headers.get('Relink-Epoch')) > 1);
  });

  it('the nats CLI reports the durable consumers by their services', async (t) => {
    const server = company.stack.addresses.nats;
    const listed = await run(t, 'nats', '--server', server, 'consumer', 'report', LINK);
    if (!listed) return;
    assert.match(listed.stdout, /hiring/);
    assert.match(listed.stdout, /bonuses/);
  });
});
