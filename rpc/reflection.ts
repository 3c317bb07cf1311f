/**
 * grpc.reflection.v1 and v1alpha: what grpcurl and other tools read. Files are served as they were
 * compiled, so that custom options (the validation rules) are kept, and together with the
 * reflection service's own file, without which listing methods fails.
 */
import type { DescFile, DescMessage, DescService } from '@bufbuild/protobuf';
import { toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { file_google_rpc_error_details } from '../gen/google/rpc/error_details_pb.ts';
import { file_google_rpc_status } from '../gen/google/rpc/status_pb.ts';
import {
  ServerReflection,
  type ServerReflectionRequest,
} from '../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import type { Handlers } from './handlers.ts';

/** No method names these, but errors contain them: tools need them to show the details. */
const ERROR_FILES = [file_google_rpc_status, file_google_rpc_error_details];

/** Both versions of the protocol have the same messages. */
type Question = Pick<ServerReflectionRequest, 'messageRequest'>;

interface Index {
  services: string[];
  files: Map<string, DescFile>;
  /** Full name of a message, enum, service, method or extension → its file. */
  symbols: Map<string, DescFile>;
  /** Full name of an extended message → field number → file. */
  extensions: Map<string, Map<number, DescFile>>;
}

export interface ReflectionService {
  service: DescService;
  handlers: Handlers<typeof ServerReflection>;
}

/** The two reflection services of a server with these services. */
export function createReflection(services: DescService[]): ReflectionService[] {
  const all = [...services, ServerReflection, ServerReflectionAlpha];
  const index = buildIndex(all);
  return [ServerReflection, ServerReflectionAlpha].map((service) => ({
    service,
    handlers: { serverReflectionInfo: (requests) => answerAll(index, requests) },
  }));
}

async function* answerAll(index: Index, requests: AsyncIterable<ServerReflectionRequest>) {
  // A client needs each file once per stream: buf/validate alone has 80 kB.
  const sent = new Set<string>();
  for await (const request of requests) {
    yield { originalRequest: request, messageResponse: answer(index, request, sent) };
  }
}

function answer(
  index: Index,
  { messageRequest: { case: kind, value } }: Question,
  sent: Set<string>,
) {
  switch (kind) {
    case 'listServices':
      return {
        case: 'listServicesResponse' as const,
        value: { service: index.services.map((name) => ({ name })) },
      };
    case 'fileByFilename':
      return fileResponse(index.files.get(value), `file ${value}`, sent);
    case 'fileContainingSymbol':
      return fileResponse(index.symbols.get(value), `symbol ${value}`, sent);
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = value;
      const file = index.extensions.get(containingType)?.get(extensionNumber);
      return fileResponse(file, `extension ${extensionNumber} of ${containingType}`, sent);
    }
    case 'allExtensionNumbersOfType':
      return numbersResponse(index, value);
    case undefined:
      return failure(status.INVALID_ARGUMENT, 'the request asks for nothing');
  }
}

function fileResponse(file: DescFile | undefined, what: string, sent: Set<string>) {
  if (file === undefined) return failure(status.NOT_FOUND, `no ${what} here`);
  const wanted = withDependencies(file).filter(
    ({ proto }) => proto === file.proto || !sent.has(proto.name),
  );
  for (const { proto } of wanted) sent.add(proto.name);
  const fileDescriptorProto = wanted.map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: 'fileDescriptorResponse' as const, value: { fileDescriptorProto } };
}

function numbersResponse(index: Index, baseTypeName: string) {
  if (!index.symbols.has(baseTypeName)) {
    return failure(status.NOT_FOUND, `no type ${baseTypeName} here`);
  }
  const extensionNumber = [...(index.extensions.get(baseTypeName)?.keys() ?? [])];
  return {
    case: 'allExtensionNumbersResponse' as const,
    value: { baseTypeName, extensionNumber },
  };
}

function failure(errorCode: number, errorMessage: string) {
  return { case: 'errorResponse' as const, value: { errorCode, errorMessage } };
}

function buildIndex(services: DescService[]): Index {
  const index: Index = {
    services: services.map(({ typeName }) => typeName).sort(),
    files: new Map(),
    symbols: new Map(),
    extensions: new Map(),
  };
  const roots = [...services.map(({ file }) => file), ...ERROR_FILES];
  for (const file of roots.flatMap((root) => withDependencies(root))) {
    if (index.files.has(file.proto.name)) continue;
    index.files.set(file.proto.name, file);
    addSymbols(index, file);
  }
  return index;
}

function addSymbols({ symbols, extensions }: Index, file: DescFile): void {
  const add = (name: string) => symbols.set(name, file);
  const addExtensions = (owner: DescFile | DescMessage) => {
    for (const { typeName, extendee, number } of extensionsOf(owner)) {
      add(typeName);
      const numbers = extensions.get(extendee.typeName) ?? new Map<number, DescFile>();
      extensions.set(extendee.typeName, numbers.set(number, file));
    }
  };
  const addMessage = (message: DescMessage) => {
    add(message.typeName);
    addExtensions(message);
    for (const { typeName } of message.nestedEnums) add(typeName);
    for (const nested of message.nestedMessages) addMessage(nested);
  };
  addExtensions(file);
  for (const { typeName } of file.enums) add(typeName);
  for (const message of file.messages) addMessage(message);
  for (const service of file.services) {
    add(service.typeName);
    for (const { name } of service.methods) add(`${service.typeName}.${name}`);
  }
}

function extensionsOf(owner: DescFile | DescMessage) {
  return owner.kind === 'file' ? owner.extensions : owner.nestedExtensions;
}

/** The file first, then everything it imports, each once. */
function withDependencies(file: DescFile, seen = new Set<string>()): DescFile[] {
  if (seen.has(file.proto.name)) return [];
  seen.add(file.proto.name);
  return [file, ...file.dependencies.flatMap((dependency) => withDependencies(dependency, seen))];
}
