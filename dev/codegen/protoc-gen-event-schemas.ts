/**
 * A buf plugin: writes `schemas/<EventName>.v<version>.json` for every event and `gen/events.ts`,
 * the typed list of all of them. Run by `npm run generate`.
 */
import { create, createFileRegistry } from '@bufbuild/protobuf';
import {
  type CodeGeneratorRequest,
  type CodeGeneratorResponse,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponseSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { runNodeJs } from '@bufbuild/protoplugin';
import { printEventList } from './eventList.ts';
import { findEvents, schemaFileName } from './events.ts';
import { eventSchema } from './messageSchema.ts';

function run(request: CodeGeneratorRequest): CodeGeneratorResponse {
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: request.protoFile }));
  const events = findEvents(registry.files, new Set(request.fileToGenerate)).map((event) => ({
    ...event,
    schema: eventSchema(event),
  }));
  const schemas = events.map((event) => ({
    name: `schemas/${schemaFileName(event)}`,
    content: `${JSON.stringify(event.schema, null, 2)}\n`,
  }));
  const list = { name: 'gen/events.ts', content: printEventList(events) };
  return create(CodeGeneratorResponseSchema, {
    supportedFeatures: BigInt(CodeGeneratorResponse_Feature.PROTO3_OPTIONAL),
    file: [...schemas, list],
  });
}

runNodeJs({ name: 'protoc-gen-event-schemas', version: 'v1', run });
