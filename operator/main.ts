/** The operator process: the migration engine and the API for the command line and the console. */
import { applyExpand } from '../db/schemaChanges.ts';
import { Operator } from '../gen/relink/v1/operator_pb.ts';
import { Certificates } from '../migration/certificate.ts';
import { Engine } from '../migration/engine/engine.ts';
import { Participants } from '../migration/participants.ts';
import { Journal } from '../migration/run/journal.ts';
import { createRpcServer, serve } from '../rpc/server.ts';
import { armFailpoints } from '../runtime/failpoints.ts';
import { createHealthServer } from '../runtime/http.ts';
import { runProcess, startOrExplain } from '../runtime/lifecycle.ts';
import { createLog } from '../runtime/log.ts';
import { addProcessMetrics, Metrics } from '../runtime/metrics.ts';
import { connectNats } from '../runtime/nats.ts';
import { closePostgres, connectPostgres } from '../runtime/postgres.ts';
import { requireWritable } from '../runtime/postgresCheck.ts';
import { Readiness } from '../runtime/readiness.ts';
import { operatorHandlers } from './api.ts';
import { loadOperatorConfig } from './config.ts';
import { Registrar } from './contracts/registrar.ts';
import { ContractRegistry } from './contracts/registry.ts';
import { createRunCommand } from './gateCommands.ts';
import { Provisioner } from './provisioner.ts';
import { LossWatch } from './reconcile/lossWatch.ts';
import { SchemaKeeper } from './schemaKeeper.ts';
import { LinkStreams } from './streams.ts';
import { Watchers } from './watchers.ts';

const config = await startOrExplain('operator', async () => {
  const read = loadOperatorConfig();
  await applyExpand(read.postgresUrl, ['operator']);
  return read;
});
if (config.failpoints) armFailpoints(config.failpoints);
const { instance, host } = config;
const log = createLog({ service: 'operator', instance, level: config.logLevel });

const name = `operator/${instance}`;
const metrics = new Metrics();
const processMetrics = addProcessMetrics(metrics);
const sql = connectPostgres(config.postgresUrl, { name, log });
const nats = await connectNats(config.natsUrl, { name, log });
const journal = new Journal(sql);
const certificates = new Certificates(sql, name);
const participants = new Participants(config.peers);
const streams = new LinkStreams(nats.connection, journal);
const watchers = new Watchers();
const runCommand = config.gateCommands === 'allow' ? createRunCommand(log) : undefined;
const engine = new Engine({
  sql,
  instance,
  log,
  journal,
  participants,
  streams,
  certificates,
  runCommand,
  onChange: (runId) => watchers.wake(runId),
});
const provisioner = new Provisioner({
  participants,
  streams,
  log,
  isActing: () => engine.isActing,
});
const schemaKeeper = new SchemaKeeper({
  participants,
  journal,
  log,
  isActing: () => engine.isActing,
});
const registry = new ContractRegistry(sql);
const registrar = new Registrar({ participants, registry, log });
const lossWatch = new LossWatch(participants, log, metrics);
const handlers = operatorHandlers({
  journal,
  certificates,
  participants,
  streams,
  watchers,
  registry,
  registrar,
  missingOf: (link, consumer) => lossWatch.missingOf(link, consumer),
  areCommandsAllowed: runCommand !== undefined,
  wakeEngine: (runId) => engine.wake(runId),
});
const server = createRpcServer({
  host,
  port: config.port,
  log,
  metrics,
  services: [serve(Operator, handlers)],
});
const readiness = new Readiness({
  checks: { postgres: () => requireWritable(sql), nats: () => nats.check() },
  log,
  onChange: (isReady) => server.setServing(isReady),
});
const health = createHealthServer({ host, port: config.httpPort, metrics, readiness });
const connections = {
  name: 'connections',
  start: () => undefined,
  stop: async () => {
    processMetrics.stop();
    participants.close();
    await nats.close();
    await closePostgres(sql);
  },
};

await runProcess({
  name: 'operator',
  log,
  agents: [
    connections,
    engine,
    provisioner,
    schemaKeeper,
    registrar,
    lossWatch,
    server,
    readiness,
    health,
  ],
  lost: nats.lost,
});
