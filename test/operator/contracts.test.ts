/**
 * The registry of contracts: a real operator database, JetStream and gRPC; the services are played.
 */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { jetstream } from '@nats-io/jetstream';
import { managerCreatedV0 } from '../../gen/events.ts';
import { Operator } from '../../gen/relink/v1/operator_pb.ts';
import { type DescribeResponse, LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import { ensureStream } from '../../link/transport/jetStream/provision.ts';
import { Participants } from '../../migration/participants.ts';
import { Journal } from '../../migration/run/journal.ts';
import { contractHandlers } from '../../operator/contracts/handlers.ts';
import { Registrar } from '../../operator/contracts/registrar.ts';
import { ContractRegistry } from '../../operator/contracts/registry.ts';
import { withReasons } from '../../operator/errors.ts';
import { LinkStreams } from '../../operator/streams.ts';
import { RpcError } from '../../rpc/errors.ts';
import { createRpcServer, serve } from '../../rpc/server.ts';
import { silentLog } from '../../runtime/log.ts';
import { connectNats } from '../../runtime/nats.ts';
import { testNats } from '../harness/nats.ts';
import { relink } from '../rigs/cli.ts';
import { jsonOf } from '../rigs/fakeOperator/setting.ts';
import { operatorDatabase, type Played, playService, syncToAsync } from '../rigs/oneStep.ts';

const LINK = 'COMM-010';
const LANES = 16;

/** What a played process says and holds; a test changes it. */
interface Process {
  versions: number[];
  schema: (version: number) => object;
  route: number;
  open: bigint;
  parked: bigint;
  letters: { id: string; eventName: string; eventVersion: number }[];
}

const { schema } = managerCreatedV0;
const producer = {} as Process;
const consumer = {} as Process;

function shorter(maxLength: number): object {
  const changed = structuredClone(schema) as never as { properties: { payload: typeof schema } };
  Object.assign(
    (changed.properties.payload.properties as unknown as Record<string, object>).first_name!,
    { maxLength },
  );
  return changed;
}

function played(service: string, side: 'produces' | 'consumes', process: Process): Played {
  const describe = () => ({
    service,
    instance: `${service}-1`,
    [side]: [
      {
        id: LINK,
        kind: LinkKind.FORMAL,
        producer: 'assessments',
        consumers: ['hiring'],
        events: [
          {
            name: 'ManagerCreated',
            versions: process.versions,
            schemas: process.versions.map((one) => JSON.stringify(process.schema(one))),
          },
        ],
      },
    ],
  });
  return {
    describe: () => describe() as unknown as DescribeResponse,
    getRoutes: () => ({
      lanes: Array.from({ length: LANES }, (_, lane) => ({
        lane,
        version: process.route,
        adoptedVersion: process.route,
      })),
    }),
    getProgress: () => ({ open: process.open, oldestOpenMs: process.open * 60_000n }),
    listDeadLetters: () => ({ deadLetters: process.letters, parked: process.parked }),
  };
}

describe('the registry of contracts', async () => {
  const owner = { after };
  const sql = await operatorDatabase(owner);
  const broker = await testNats(owner);
  const nats = await connectNats(broker.url, { name: 'test', log: silentLog });
  after(() => nats.close());
  const addresses = {
    assessments: [await playService(owner, played('assessments', 'produces', producer))],
    hiring: [await playService(owner, played('hiring', 'consumes', consumer))],
  };
  const participants = new Participants(addresses);
  after(() => participants.close());
  const journal = new Journal(sql);
  const streams = new LinkStreams(nats.connection, journal);
  const registry = new ContractRegistry(sql);
  const registrar = new Registrar({ participants, registry, log: silentLog });
  const sources = {
    participants,
    registry,
    registrar,
    manager: () => streams.manager(),
    liveRuns: () => journal.live(),
    closingLimitMs: 300,
  };
  const refuse = () => {
    throw new RpcError('UNIMPLEMENTED', 'INTERNAL', 'not called here');
  };
  const handlers = withReasons({
    ...Object.fromEntries(Operator.methods.map(({ localName }) => [localName, refuse])),
    ...contractHandlers(sources),
    listLinks: async () => ({ links: [{ id: LINK }] }),
  });
  const server = createRpcServer({
    host: '127.0.0.1',
    port: 0,
    services: [serve(Operator, handlers as never)],
  });
  await server.start();
  after(() => server.stop());
  const run = (...args: string[]) => relink(server.address(), 'contracts', ...args);
  const retire = (version: string) =>
    run('retire', 'ManagerCreated', version, '--reason', 'nobody needs it', '--json');

  beforeEach(async () => {
    const fresh = { open: 0n, parked: 0n, letters: [], route: 0, schema: () => schema };
    Object.assign(producer, fresh, { versions: [0] });
    Object.assign(consumer, fresh, { versions: [0] });
    await sql`truncate migration.contracts, migration.contract_uses,
      migration.contract_retirements, migration.runs cascade`;
  });

  it('lists who writes and who reads a version, since when, and who registered it', async () => {
    const [contract, ...others] = jsonOf(await run('list', LINK, '--json')).contracts;
    assert.deepEqual(others, []);
    const { event, version, registered_by, changed, retired_by, uses } = contract;
    assert.deepEqual(
      [event, version, registered_by, changed, retired_by],
      ['ManagerCreated', 0, 'assessments/assessments-1', false, ''],
    );
    assert.deepEqual(JSON.parse(contract.schema), schema);
    assert.deepEqual(
      uses.map(({ link, service, side, instances }: Record<string, unknown>) => [
        ...[link, service, side, instances],
      ]),
      [
        [LINK, 'assessments', 'producer', ['assessments-1']],
        [LINK, 'hiring', 'consumer', ['hiring-1']],
      ],
    );
    assert.ok(Date.parse(uses[0].first_seen_at) <= Date.parse(uses[0].last_seen_at));
    assert.match((await run('list', '--registry')).stdout, /ManagerCreated\.v0[\s\S]*hiring reads/);
  });

  it('refuses a link that does not exist, and says which was probably meant', async () => {
    for (const command of ['list', 'check']) {
      const ran = await run(command, 'COMM-011');
      assert.equal(ran.exitCode, 2);
      assert.match(ran.stderr, /There is no link COMM-011. Did you mean COMM-010/);
      assert.equal(ran.stdout, '');
    }
  });

  it('says of what runs that a consumer refuses what its producer may write', async () => {
    assert.equal((await run('check', LINK)).exitCode, 0);
    consumer.schema = () => shorter(10);
    const ran = await run('check', LINK, '--json');
    assert.equal(ran.exitCode, 4);
    const { pairs } = jsonOf(ran);
    assert.deepEqual(
      pairs.map(({ problems }: { problems: { pointer: string }[] }) => problems[0]!.pointer),
      ['/properties/payload/properties/first_name/maxLength'],
    );
  });

  it('says which process does not accept the version that its link carries', async () => {
    producer.versions = [0, 1];
    consumer.versions = [1];
    const ran = await run('check', LINK, '--json');
    assert.equal(ran.exitCode, 4);
    assert.deepEqual(jsonOf(ran).alarms, [
      'COMM-010: hiring/hiring-1 does not accept ManagerCreated v0, which is sent to it',
    ]);
    producer.route = 1;
    assert.equal((await run('check', LINK)).exitCode, 0);
  });

  it('raises an alarm when a text changes under its version, though each reads the other', async () => {
    await registrar.look();
    producer.schema = () => shorter(10);
    const ran = await run('check', '--registry', '--json');
    assert.equal(ran.exitCode, 4);
    const { pairs, alarms } = jsonOf(ran);
    assert.equal(pairs[0].compatible, true);
    assert.match(alarms[0], /assessments\/assessments-1 has another text of ManagerCreated v0/);
    const { contracts } = jsonOf(await run('list', '--registry', '--json'));
    assert.deepEqual(
      contracts.map(({ changed }: { changed: boolean }) => changed),
      [false, true],
    );
  });

  it('takes no alarm from words for people or the order of keywords', async () => {
    await registrar.look();
    producer.schema = () => ({
      ...Object.fromEntries(Object.entries(schema).reverse()),
      description: 'Said better.',
    });
    assert.equal((await run('check', '--registry')).exitCode, 0);
  });

  it('does not retire a version that is used, and lists all that stands against it', async () => {
    const manager = await streams.manager();
    await ensureStream(manager, LINK);
    await jetstream(nats.connection).publish(`${LINK}.03.v0.ManagerCreated`, '{}');
    Object.assign(producer, { open: 1n, versions: [0] });
    Object.assign(consumer, {
      parked: 2n,
      letters: [{ id: '1', eventName: 'ManagerCreated', eventVersion: 0 }],
    });
    const created = await journal.create(syncToAsync(['hiring']), []);
    const ran = await retire('v0');
    assert.equal(ran.exitCode, 1);
    const { retired, findings } = jsonOf(ran);
    assert.equal(retired, false);
    const against = findings.filter((one: { stands_against: boolean }) => one.stands_against);
    assert.deepEqual(
      against.map(({ what, where }: { what: string; where: string }) => `${what} ${where}`).sort(),
      [
        'dead_letters hiring',
        'instances assessments/assessments-1',
        'instances hiring/hiring-1',
        'outbox COMM-010 hiring',
        'parked COMM-010 hiring',
        'routes COMM-010 hiring',
        'runs COMM-010',
        'stream COMM-010',
      ],
    );
    const sayRun = (found: { what: string; value: string }[]) =>
      found.find(({ what }) => what === 'runs')!.value;
    assert.match(sayRun(against), new RegExp(`relink rollback ${created.run.id}`));
    await journal.record(created, { run: { memory: { completed: true } } });
    const value = sayRun(jsonOf(await retire('v0')).findings);
    assert.match(value, new RegExp(`given up by complete.*relink status ${created.run.id}`));
    assert.doesNotMatch(value, /relink (complete|rollback)/);
    await manager.streams.delete(LINK);
  });

  it('retires a version that nothing uses, once, and says so of who brings it back', async () => {
    await registrar.look();
    for (const process of [producer, consumer]) Object.assign(process, { versions: [1], route: 1 });
    const ran = await retire('v0');
    assert.equal(ran.exitCode, 0, ran.stdout);
    const first = jsonOf(ran);
    assert.equal(first.retired, true);
    assert.equal(jsonOf(await retire('v0')).retired_at, first.retired_at);
    producer.versions = [0, 1];
    const { alarms } = jsonOf(await run('check', '--registry', '--json'));
    assert.deepEqual(alarms, [
      'COMM-010: assessments/assessments-1 still has ManagerCreated v0, which is retired',
    ]);
  });

  it('does not retire a version while a process that may have it does not answer', async () => {
    await registrar.look();
    for (const process of [producer, consumer]) Object.assign(process, { versions: [1], route: 1 });
    const away = new Participants({ ...addresses, finance: ['127.0.0.1:1'] });
    const asking = new Registrar({ participants: away, registry, log: silentLog });
    const { retireContract } = contractHandlers({
      ...{ ...sources, participants: away, registrar: asking },
    });
    const request = { event: 'ManagerCreated', version: 0, reason: 'test', actor: 'test' };
    const { retired, findings = [] } = await retireContract(request as never, undefined as never);
    away.close();
    assert.equal(retired, false);
    assert.deepEqual(
      findings.filter(({ standsAgainst }) => standsAgainst).map(({ what, where }) => [what, where]),
      [
        ['instances', 'finance'],
        ['dead_letters', 'finance'],
      ],
    );
  });

  it('refuses to retire what nobody ever had, with exit code 2', async () => {
    const ran = await retire('v7');
    assert.equal(ran.exitCode, 2);
    assert.match(ran.stderr, /No process ever said that it writes or reads ManagerCreated v7/);
    assert.match(ran.stderr, /relink contracts list --registry/);
    assert.equal((await retire('7')).exitCode, 2);
  });
});
