/**
 * The consuming process: hiring's side of the link exactly as the kit builds it, and beside it the
 * same effect written by hand. Remembers when each effect was committed.
 */
import { create } from '@bufbuild/protobuf';
import type { PutManagerRequest } from '../../../gen/hiring/v1/links_pb.ts';
import { HiringLinks } from '../../../gen/hiring/v1/links_pb.ts';
import { Outcome, ReceiptSchema } from '../../../gen/relink/v1/receipt_pb.ts';
import { pushHandler, unmappedService } from '../../../link/transport/grpc/receive.ts';
import { StreamConsumer } from '../../../link/transport/jetStream/receive.ts';
import { createRpcServer } from '../../../rpc/server.ts';
import { silentLog } from '../../../runtime/log.ts';
import { connectNats } from '../../../runtime/nats.ts';
import { closePostgres, connectPostgres, type Database } from '../../../runtime/postgres.ts';
import { startBareServer } from '../../bareGrpc.ts';
import { benchLink, CONSUMER } from '../../events.ts';
import { handlerOf, TimedReceiver } from '../../handlers.ts';
import type { HiringOptions, HiringReady } from '../../hiring.ts';
import { remoteOptions, serveRemote } from '../../remote.ts';

/** The replica's row written by hand: newest wins, one transaction. */
async function putByHand(sql: Database, { event }: PutManagerRequest) {
  if (event.case !== 'managerCreatedV1') throw new Error(`not a ManagerCreated v1: ${event.case}`);
  const { managerReplicationId: id, nickname } = event.value.payload!;
  await sql.begin(
    (tx) => tx`
      insert into manager_replicas as stored (id, version, nickname)
      values (${id}, 1, ${nickname})
      on conflict (id) do update set version = excluded.version, nickname = excluded.nickname
      where excluded.version > stored.version`,
  );
  return create(ReceiptSchema, { eventId: event.value.eventId, outcome: Outcome.APPLIED });
}

async function main({ postgresUrl, natsUrl, kind }: HiringOptions): Promise<void> {
  const sql = connectPostgres(postgresUrl, { name: 'bench/hiring', max: 16 });
  const nats = await connectNats(natsUrl, { name: 'bench/hiring' });
  const link = benchLink('async', kind);
  const receiver = new TimedReceiver({ sql, log: silentLog, link, handler: handlerOf(kind) });
  const consumer = new StreamConsumer({
    nats: nats.connection,
    log: silentLog,
    link,
    service: CONSUMER,
    receiver,
  });
  const served = unmappedService(HiringLinks);
  served.handlers.putManager = pushHandler(link, receiver);
  const server = createRpcServer({
    host: '127.0.0.1',
    port: 0,
    services: [served],
  });
  await server.start();
  const bare = await startBareServer((request) => putByHand(sql, request));
  consumer.start();
  const ready: HiringReady = { address: server.address(), bareAddress: bare.address };
  serveRemote(
    ready,
    () => receiver.take(),
    async () => {
      await consumer.stop();
      await server.stop();
      bare.stop();
      await nats.close();
      await closePostgres(sql);
    },
  );
}

await main(remoteOptions<HiringOptions>());
