/**
 * A service with every kind of method, for the tests of this folder. Built here rather than
 * generated, so that proto/ holds nothing but contracts.
 */
import {
  createRegistry,
  fromJson,
  type JsonValue,
  type Message,
  toBinary,
} from '@bufbuild/protobuf';
import {
  fileDesc,
  type GenMessage,
  type GenService,
  messageDesc,
  serviceDesc,
} from '@bufbuild/protobuf/codegenv2';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { file_buf_validate_validate } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

export type Echo = Message<'relink.test.v1.Echo'> & { text: string; times: number };

const method = (name: string, streaming: object = {}) => ({
  name,
  inputType: '.relink.test.v1.Echo',
  outputType: '.relink.test.v1.Echo',
  ...streaming,
});

const description = {
  name: 'relink/test/v1/echo.proto',
  package: 'relink.test.v1',
  syntax: 'proto3',
  dependency: ['buf/validate/validate.proto'],
  messageType: [
    {
      name: 'Echo',
      field: [
        {
          name: 'text',
          number: 1,
          type: 'TYPE_STRING',
          label: 'LABEL_OPTIONAL',
          options: { '[buf.validate.field]': { string: { minLen: 1 } } },
        },
        {
          name: 'times',
          number: 2,
          type: 'TYPE_INT32',
          label: 'LABEL_OPTIONAL',
          options: { '[buf.validate.field]': { int32: { gte: 0, lte: 1000 } } },
        },
      ],
    },
  ],
  service: [
    {
      name: 'EchoService',
      method: [
        method('Say'),
        method('Repeat', { serverStreaming: true }),
        method('Join', { clientStreaming: true }),
        method('Chat', { clientStreaming: true, serverStreaming: true }),
      ],
    },
  ],
};

const registry = createRegistry(file_buf_validate_validate);
const bytes = toBinary(
  FileDescriptorProtoSchema,
  fromJson(FileDescriptorProtoSchema, description as unknown as JsonValue, { registry }),
);

export const file_echo = fileDesc(base64Encode(bytes), [file_buf_validate_validate]);
export const EchoSchema = messageDesc(file_echo, 0) as GenMessage<Echo>;
export const EchoService = serviceDesc(file_echo, 0) as GenService<{
  say: { methodKind: 'unary'; input: typeof EchoSchema; output: typeof EchoSchema };
  repeat: { methodKind: 'server_streaming'; input: typeof EchoSchema; output: typeof EchoSchema };
  join: { methodKind: 'client_streaming'; input: typeof EchoSchema; output: typeof EchoSchema };
  chat: { methodKind: 'bidi_streaming'; input: typeof EchoSchema; output: typeof EchoSchema };
}>;
