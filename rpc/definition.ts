/**
 * Turns a service of protobuf-es into what grpc-js expects, for servers and clients. grpc-js only
 * moves bytes; messages are encoded and decoded here, so that an unreadable request is the caller's
 * fault (INVALID_ARGUMENT) and not grpc-js's INTERNAL, which would count as "outcome unknown".
 */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/** The types of one method, by its kind. */
export type Input<M> = M extends { input: infer I extends DescMessage } ? MessageShape<I> : never;
export type InputInit<M> = M extends { input: infer I extends DescMessage }
  ? MessageInitShape<I>
  : never;
export type Output<M> = M extends { output: infer O extends DescMessage } ? MessageShape<O> : never;
export type OutputInit<M> = M extends { output: infer O extends DescMessage }
  ? MessageInitShape<O>
  : never;

type Bytes = MethodDefinition<Buffer, Buffer>;

/** `/package.Service/Method`. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** The grpc-js definition of one method; requests and responses are encoded messages. */
export function defineMethod(method: DescMethod): Bytes {
  const { methodKind } = method;
  return {
    path: pathOf(method),
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
    originalName: method.localName,
  };
}

/** The grpc-js definition of a service, keyed by the methods' names in TypeScript. */
export function defineService(service: DescService): ServiceDefinition {
  const methods = service.methods.map((method) => [method.localName, defineMethod(method)]);
  return Object.fromEntries(methods);
}

/** A message or its initial values → bytes. */
export function encode<S extends DescMessage>(schema: S, message: MessageInitShape<S>): Buffer {
  const bytes = toBinary(schema, create(schema, message));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes → message; throws the error of protobuf-es when they cannot be read. */
export function decode<S extends DescMessage>(schema: S, bytes: Buffer): MessageShape<S> {
  return fromBinary(schema, bytes);
}

function same(bytes: Buffer): Buffer {
  return bytes;
}
