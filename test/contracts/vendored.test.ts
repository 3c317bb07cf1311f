import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { clone, toBinary } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import { file_buf_validate_validate as installed } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { buildImage } from './compileProtos.ts';

test('the vendored validate.proto is what the installed protovalidate means', () => {
  const empty = mkdtempSync(join(tmpdir(), 'relink-empty-'));
  try {
    const vendored = buildImage(empty).file.find((file) => file.package === 'buf.validate');
    assert.ok(vendored);
    const [ours, theirs] = [vendored, installed.proto].map(toComparable);
    assert.deepEqual(ours, theirs);
  } finally {
    rmSync(empty, { recursive: true });
  }
});

// Without comments, buf's own notes, and the JSON names that compilers add by rule.
function toComparable(proto: FileDescriptorProto): Uint8Array {
  const file = clone(FileDescriptorProtoSchema, proto);
  file.$unknown = undefined;
  file.sourceCodeInfo = undefined;
  file.messageType.forEach(clearJsonNames);
  for (const extension of file.extension) extension.jsonName = '';
  return toBinary(FileDescriptorProtoSchema, file);
}

function clearJsonNames(message: DescriptorProto): void {
  for (const field of [...message.field, ...message.extension]) field.jsonName = '';
  message.nestedType.forEach(clearJsonNames);
}
