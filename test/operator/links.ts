/**
 * The links of the whole company as the command line shows them, and what it warns of: writers that
 * go around the outbox, malformed, well formed with forged headers, and by the consumer's method
 * while a run moves the link.
 */
import assert from 'node:assert/strict';
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { jetstream } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { HiringLinks } from '../../gen/hiring/v1/links_pb.ts';
import { laneOf, linkOf, subjectOf } from '../../link/link.ts';
import { pushRequest } from '../../link/transport/grpc/pushMethod.ts';
import { allContracts, contractOf } from '../../link/versions.ts';
import { HEADER, METADATA } from '../../link/wire/headers.ts';
import { createRpcClient, type RpcClient } from '../../rpc/client.ts';
import { pause } from '../../runtime/wake.ts';
import { links } from '../../services/links.ts';
import { until } from '../harness/until.ts';
import { Relink, relink } from '../rigs/cli.ts';
import { jsonOf } from '../rigs/fakeOperator/setting.ts';
import { CALM } from '../rigs/processes/clients.ts';
import type { ProcessCompany } from '../rigs/processes/company.ts';
import { QUICK } from '../rigs/processes/desk.ts';
import { sharedCompany } from './company.ts';

const PRODUCER = 'assessments';
const CONSUMER = 'hiring';
const LOOKS = 20;
/** Soon more calls than messages are on their way at any look: those could hide as many. */
const CALL_EVERY_MS = 50;

/** What most terminals have at least. */
const COLUMNS = 80;

describe('the links of the company', () => {
  let company: ProcessCompany;
  before(() => {
    company = sharedCompany();
  });

  const operatorAddress = () => company.stack.addresses.operator.grpc;
  const run = (...args: string[]) => relink(operatorAddress(), ...args);

  async function warningsOf(link: string): Promise<string[]> {
    const { links: all } = jsonOf(await run('links', '--json'));
    const { legs } = all.find(({ id }: { id: string }) => id === link);
    return legs.find(({ consumer }: { consumer: string }) => consumer === CONSUMER).warnings;
  }

  async function waitForWarning(link: string, pattern: RegExp): Promise<string> {
    const found = await until(
      async () => (await warningsOf(link)).find((text) => pattern.test(text)),
      { what: `${link} warns of ${pattern}`, everyMs: 200 },
    );
    return found!;
  }

  const publish = (subject: string, body: string, values: Record<string, string>) => {
    const sent = headers();
    for (const [name, value] of Object.entries(values)) sent.set(name, value);
    return jetstream(company.nats.connection).publish(subject, body, { headers: sent });
  };

  it('carry contracts that are registered, and that each side understands', async () => {
    const { contracts } = jsonOf(await run('contracts', 'list', '--registry', '--json'));
    const listed = Object.keys(links).flatMap((id) => [...allContracts(linkOf(links, id))]);
    assert.deepEqual(
      contracts.map(({ event, version }: { event: string; version: number }) => [event, version]),
      listed
        .map(({ event, version }) => [event, version] as const)
        .sort(([a, i], [b, j]) => a.localeCompare(b) || i - j),
    );
    const ran = await run('contracts', 'check', '--registry', '--json');
    assert.equal(ran.exitCode, 0, ran.stdout);
    assert.deepEqual(jsonOf(ran).alarms, []);
  });

  it('are all shown within the width of a terminal, with what each can go by', async () => {
    const { links: all } = jsonOf(await run('links', '--json'));
    const ids = Object.keys(links).sort();
    assert.deepEqual(
      all.map(({ id }: { id: string }) => id),
      ids,
    );
    for (const { id, transports, immovable_reason } of all) {
      assert.deepEqual(transports, linkOf(links, id).transports);
      assert.equal(immovable_reason, linkOf(links, id).immovableReason ?? '');
    }
    for (const command of ['links', 'topology']) {
      const { stdout } = await new Relink(operatorAddress(), [command], COLUMNS).ended();
      const lines = stdout.split('\n').map((line) => line.trimEnd());
      assert.ok(
        lines.every((line) => line.length <= COLUMNS),
        stdout,
      );
      for (const id of ids)
        assert.ok(
          lines.some((line) => line.startsWith(`${id}  `)),
          stdout,
        );
    }
    const { stdout: drawing } = await run('topology', '--format', 'mermaid');
    const legs = Object.values(links).flatMap(({ consumers }) => Object.keys(consumers));
    assert.equal(drawing.match(/\|"COMM-/g)?.length, legs.length);
  });

  it('show no writer around the outbox in live traffic, however often one looks', async () => {
    for (let looks = 0; looks < LOOKS; looks += 1)
      assert.doesNotMatch((await warningsOf('COMM-010')).join('; '), /unrouted/);
  });

  it('name a writer that publishes what is no event at all', async () => {
    await publish(subjectOf('COMM-021', 3, 0, 'AssessmentUpdated'), 'hello', {
      [HEADER.source]: 'night-job',
    });
    const text = await waitForWarning('COMM-021', /^unrouted writer/);
    assert.match(text, /1 dead letter is not from assessments but from night-job/);
    const topology = await run('topology');
    assert.match(topology.stdout, /! COMM-021 hiring: unrouted writer: .*night-job/);
  });

  it('show a writer that publishes a perfect event in the name of the producer', async () => {
    const id = randomUUIDv7();
    const key = randomUUID();
    const body = JSON.stringify({
      ...{ event_id: id, event_version: 0, event_name: 'AssessmentCreated' },
      produced_at: new Date().toISOString(),
      payload: {
        ...{ assessment_replication_id: key, title: '[Algebra] Forged' },
        ...{ author_replication_id: randomUUID(), created_at: new Date().toISOString() },
        exercises: [],
      },
    });
    await publish(subjectOf('COMM-020', laneOf(key), 0, 'AssessmentCreated'), body, {
      ...{ [HEADER.messageId]: id, [HEADER.key]: key, [HEADER.version]: '1' },
      ...{ [HEADER.epoch]: '1', [HEADER.source]: PRODUCER },
    });
    const text = await waitForWarning('COMM-020', /^unrouted writer/);
    assert.equal(
      text,
      'unrouted writer: 1 message reached hiring that assessments did not send ' +
        `(epoch 1 lane ${laneOf(key)})`,
    );
    // The next run of the link must find nothing of it.
    const hiring = company.database(CONSUMER);
    await hiring`delete from relink.inbox where event_id = ${id}`;
    await hiring`delete from assessment_replicas where id = ${key}`;
  });

  it('stop a run while something else writes, until it is gone', async () => {
    const settings = { ...QUICK, canary_seconds: '3', patience_seconds: '10' };
    const epoch = await newestEpoch('COMM-010');
    const started = await run(
      ...['start', 'COMM-010', '--to', 'async', '--way-back', 'keep', '--consumer', CONSUMER],
      ...['--detach', '--json', '--set'],
      ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    );
    const { id } = jsonOf(started).run;
    await until(
      async () => {
        const { steps } = jsonOf(await run('status', id, '--json'));
        const canary = steps.find(({ name }: { name: string }) => name === 'watch-canary');
        return canary.evidence.some(({ what }: { what: string }) => /around the outbox/.test(what));
      },
      { what: 'the canary is watched', withinMs: 150_000 },
    );
    const calling = keepCalling(epoch);
    const paused = await run('status', id, '--watch').finally(() => calling.stop());
    assert.equal(paused.exitCode, 3);
    // Whichever gate watched it for long enough.
    assert.match(
      paused.stdout.replaceAll(/\s+/g, ' '),
      /problem (watch-\w+|soak): written to hiring around the outbox: \d+ messages reached hiring that/,
    );
    const { ids } = calling;
    await company.database(CONSUMER)`delete from relink.inbox where event_id = any(${ids}::uuid[])`;
    const resumed = await run('resume', id, '--watch');
    assert.match(resumed.stdout, /complete it/);
    const back = await run('rollback', id, '--yes');
    assert.equal(back.exitCode, 0, back.stderr);
  });

  async function newestEpoch(link: string): Promise<bigint> {
    const { lanes } = await company.participants
      .of(PRODUCER)
      .getRoutes({ link, consumer: CONSUMER });
    return lanes.map(({ epoch }) => epoch).toSorted((a, b) => Number(b - a))[0]!;
  }

  /** As a program does that still calls hiring itself, until it is told to stop. */
  function keepCalling(epoch: bigint): { readonly ids: string[]; stop(): Promise<void> } {
    const { grpc } = company.stack.addresses.services[CONSUMER]![0]!;
    const client = createRpcClient(HiringLinks, grpc, CALM);
    const ids: string[] = [];
    let isStopped = false;
    const call = async () => {
      while (!isStopped) {
        const eventId = randomUUIDv7();
        ids.push(eventId);
        await callByHand(client, eventId, epoch);
        await pause(CALL_EVERY_MS);
      }
    };
    const calling = call().finally(() => client.close());
    calling.catch(() => {}); // `stop` awaits it and reports
    const stop = async () => {
      isStopped = true;
      await calling;
    };
    return { ids, stop };
  }

  async function callByHand(client: RpcClient<typeof HiringLinks>, eventId: string, epoch: bigint) {
    const key = randomUUID();
    const method = HiringLinks.method.putManager;
    const contract = contractOf(links['COMM-010'], 'ManagerCreated', 0)!;
    const at = new Date().toISOString();
    const request = pushRequest(method, contract, {
      ...{ event_id: eventId, event_version: 0, event_name: 'ManagerCreated', produced_at: at },
      payload: {
        ...{ manager_replication_id: key, created_at: at },
        ...{ first_name: 'Around', last_name: 'Outbox' },
      },
    });
    const metadata = {
      ...{ [METADATA.eventId]: eventId, [METADATA.key]: key, [METADATA.version]: '1' },
      ...{ [METADATA.epoch]: String(epoch), [METADATA.source]: PRODUCER },
    };
    await client.putManager(request as never, { metadata });
  }
});
