import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  create,
  createFileRegistry,
  createRegistry,
  fromBinary,
  getExtension,
  hasExtension,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import {
  field as fieldRules,
  file_buf_validate_validate,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../gen/grpc/health/v1/health_pb.ts';
import {
  ServerReflection,
  type ServerReflectionRequest,
} from '../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { createRpcClient, RpcCallError } from './client.ts';
import { EchoService } from './echo.fixture.ts';
import { createRpcServer, type RpcServer, serve } from './server.ts';

type Question = ServerReflectionRequest['messageRequest'];

const echo = {
  say: (request: object) => request,
  repeat: async function* () {},
  join: async () => ({}),
  chat: async function* () {},
};
let server: RpcServer;

before(async () => {
  const services = [serve(EchoService, echo)];
  server = createRpcServer({ host: '127.0.0.1', port: 0, services });
  await server.start();
});
after(() => server.stop());

async function ask(
  service: typeof ServerReflection | typeof ServerReflectionAlpha,
  ...questions: Question[]
) {
  // Both versions have the same messages under other names.
  const client = createRpcClient(service as unknown as typeof ServerReflection, server.address());
  async function* requests() {
    for (const messageRequest of questions) yield { messageRequest };
  }
  const answers = [];
  for await (const answer of client.serverReflectionInfo(requests())) {
    answers.push(answer.messageResponse);
  }
  client.close();
  return answers;
}

const filesOf = (response: Awaited<ReturnType<typeof ask>>[number] | undefined) => {
  assert.equal(response?.case, 'fileDescriptorResponse');
  const registry = createRegistry(file_buf_validate_validate);
  return (response.value as { fileDescriptorProto: Uint8Array[] }).fileDescriptorProto.map(
    (bytes) => fromBinary(FileDescriptorProtoSchema, bytes, { registry } as object),
  );
};

test('every service is listed, including reflection itself, in both versions', async () => {
  for (const service of [ServerReflection, ServerReflectionAlpha]) {
    const [answer] = await ask(service, { case: 'listServices', value: '' });
    assert.equal(answer?.case, 'listServicesResponse');
    assert.deepEqual(
      answer.value.service.map(({ name }) => name),
      [
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
        'relink.test.v1.EchoService',
      ],
    );
  }
});

test('a symbol leads to its file with its imports and validation rules', async () => {
  const value = 'relink.test.v1.EchoService';
  const [answer] = await ask(ServerReflection, { case: 'fileContainingSymbol', value });
  const files = filesOf(answer);
  assert.deepEqual(files.map(({ name }) => name).slice(0, 2), [
    'relink/test/v1/echo.proto',
    'buf/validate/validate.proto',
  ]);
  const registry = createFileRegistry(
    create(FileDescriptorSetSchema, { file: files.toReversed() }),
  );
  assert.equal(registry.getService(value)?.methods.length, 4);
  const options = files[0]!.messageType[0]!.field[0]!.options!;
  assert.ok(hasExtension(options, fieldRules));
  assert.deepEqual(getExtension(options, fieldRules).type.case, 'string');
});

test('files are found by name, method, message and extension, and sent once per stream', async () => {
  const answers = await ask(
    ServerReflection,
    { case: 'fileByFilename', value: 'grpc/reflection/v1/reflection.proto' },
    { case: 'fileContainingSymbol', value: 'relink.test.v1.EchoService.Say' },
    { case: 'fileContainingSymbol', value: 'relink.test.v1.Echo' },
    {
      case: 'fileContainingExtension',
      value: { containingType: 'google.protobuf.FieldOptions', extensionNumber: 1159 } as never,
    },
    { case: 'allExtensionNumbersOfType', value: 'google.protobuf.FieldOptions' },
  );
  const counts = answers.slice(0, 4).map((answer) => filesOf(answer).length);
  assert.equal(counts[0], 1);
  assert.ok(counts[1]! > 2, 'the first answer holds the imports');
  assert.deepEqual(counts.slice(2), [1, 1]);
  assert.equal(answers[4]?.case, 'allExtensionNumbersResponse');
  assert.ok(answers[4].value.extensionNumber.includes(1159));
});

test('the details of errors are described, so that tools can show them', async () => {
  const [answer] = await ask(ServerReflection, {
    case: 'fileContainingSymbol',
    value: 'google.rpc.BadRequest',
  });
  assert.deepEqual(
    filesOf(answer).map(({ name }) => name),
    ['google/rpc/error_details.proto'],
  );
});

test('an unknown name is answered with an error and the stream goes on', async () => {
  const answers = await ask(
    ServerReflection,
    { case: 'fileByFilename', value: 'no.proto' },
    { case: 'fileContainingSymbol', value: 'no.Symbol' },
    { case: 'allExtensionNumbersOfType', value: 'no.Type' },
    { case: undefined },
    { case: 'listServices', value: '*' },
  );
  assert.deepEqual(
    answers.map((answer) => (answer.case === 'errorResponse' ? answer.value.errorCode : 'fine')),
    [5, 5, 5, 3, 'fine'],
  );
});

test('health says what the server says, and watchers see the change', async () => {
  const client = createRpcClient(Health, server.address());
  const service = 'relink.test.v1.EchoService';
  assert.equal((await client.check({ service })).status, ServingStatus.SERVING);
  await assert.rejects(
    client.check({ service: 'no.Service' }),
    (error) => error instanceof RpcCallError && error.code === 'NOT_FOUND',
  );
  const watching = client.watch({ service })[Symbol.asyncIterator]();
  assert.equal((await watching.next()).value?.status, ServingStatus.SERVING);
  server.setServing(false);
  assert.equal((await watching.next()).value?.status, ServingStatus.NOT_SERVING);
  assert.equal((await client.check({ service: '' })).status, ServingStatus.NOT_SERVING);
  server.setServing(true);
  assert.equal((await watching.next()).value?.status, ServingStatus.SERVING);
  await watching.return?.();
  client.close();
});
