/** grpc-js as its own documentation uses it: no deadline, no metadata, no validation. */
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { HiringLinks, type PutManagerRequest } from '../gen/hiring/v1/links_pb.ts';
import { type Receipt, ReceiptSchema } from '../gen/relink/v1/receipt_pb.ts';

const method = HiringLinks.method.putManager;
const path = `/${method.parent.typeName}/${method.name}`;
type Request = MessageInitShape<typeof method.input>;

const definition = {
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: (request: PutManagerRequest) => Buffer.from(toBinary(method.input, request)),
  requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
  responseSerialize: (receipt: Receipt) => Buffer.from(toBinary(ReceiptSchema, receipt)),
  responseDeserialize: (bytes: Buffer) => fromBinary(ReceiptSchema, bytes),
};

/** A server of PutManager on a free port. */
export async function startBareServer(
  answer: (request: PutManagerRequest) => Promise<Receipt> | Receipt,
): Promise<{ address: string; stop(): void }> {
  const server = new Server();
  server.addService(
    { putManager: definition },
    {
      putManager: async (
        call: ServerUnaryCall<PutManagerRequest, Receipt>,
        reply: sendUnaryData<Receipt>,
      ) => {
        try {
          reply(null, await answer(call.request));
        } catch (error) {
          reply(error as Error);
        }
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() };
}

/** A client of PutManager. */
export function createBareClient(address: string) {
  const client = new Client(address, credentials.createInsecure());
  const { requestSerialize, responseDeserialize } = definition;
  const putManager = (request: Request): Promise<Receipt> =>
    new Promise((resolve, reject) => {
      const message = create(method.input, request);
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        (error, receipt) => (error ? reject(error) : resolve(receipt!)),
      );
    });
  return { putManager, close: () => client.close() };
}
