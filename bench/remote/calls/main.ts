/**
 * The server process: the link's method behind the kit's server, and the same behind bare grpc-js.
 */
import { create } from '@bufbuild/protobuf';
import { HiringLinks } from '../../../gen/hiring/v1/links_pb.ts';
import { Outcome, ReceiptSchema } from '../../../gen/relink/v1/receipt_pb.ts';
import { type Arrival, checkArrival } from '../../../link/inbox/delivery.ts';
import type { Handler } from '../../../link/inbox/handler.ts';
import { Receiver } from '../../../link/inbox/receiver.ts';
import type { LinkDefinition } from '../../../link/link.ts';
import { pushHandler, unmappedService } from '../../../link/transport/grpc/receive.ts';
import type { Receipt } from '../../../link/wire/receipt.ts';
import { createRpcServer } from '../../../rpc/server.ts';
import { silentLog } from '../../../runtime/log.ts';
import { Metrics } from '../../../runtime/metrics.ts';
import { connectPostgres } from '../../../runtime/postgres.ts';
import { startBareServer } from '../../bareGrpc.ts';
import { benchLink } from '../../events.ts';
import { handlerOf } from '../../handlers.ts';
import { serveRemote } from '../../remote.ts';

/** Checks every arrival as the inbox does and settles it without a database. */
class CheckingReceiver extends Receiver {
  readonly #link: LinkDefinition;
  readonly #handler: Handler;

  constructor(link: LinkDefinition) {
    // Never used, so it never connects.
    const sql = connectPostgres('postgres://127.0.0.1:1/none', { name: 'bench' });
    const handler = handlerOf(link.kind);
    super({ sql, log: silentLog, link, handler });
    this.#link = link;
    this.#handler = handler;
  }

  override async receive(arrivals: readonly Arrival[]): Promise<Receipt[]> {
    return arrivals.map((arrival) => {
      const outcome = checkArrival(this.#link, arrival, this.#handler).ok ? 'applied' : 'dead';
      return { eventId: arrival.eventId, outcome, epoch: arrival.epoch };
    });
  }
}

const link = benchLink('sync');
const served = unmappedService(HiringLinks);
served.handlers.putManager = pushHandler(link, new CheckingReceiver(link));
const server = createRpcServer({
  host: '127.0.0.1',
  port: 0,
  // As services/service.ts serves it: with metrics, reflection and health.
  metrics: new Metrics(),
  services: [served],
});
await server.start();
const bare = await startBareServer(({ event }) =>
  create(ReceiptSchema, { eventId: event.value!.eventId, outcome: Outcome.APPLIED }),
);
serveRemote(
  { address: server.address(), bareAddress: bare.address },
  () => [],
  async () => {
    await server.stop();
    bare.stop();
  },
);
