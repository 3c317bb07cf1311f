/** Compiles protobuf files outside of proto/, as the code generator would get them. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorSet, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

export const root = resolve(import.meta.dirname, '../..');

/** The descriptors of all .proto files of a folder, and of what they import. */
export function compileProtos(folder: string): FileRegistry {
  return createFileRegistry(buildImage(folder));
}

/** The same, not linked. Comments are kept. */
export function buildImage(folder: string): FileDescriptorSet {
  const workspace = mkdtempSync(join(tmpdir(), 'relink-protos-'));
  try {
    cpSync(join(root, 'third_party', 'proto', 'buf'), join(workspace, 'buf'), { recursive: true });
    cpSync(folder, workspace, { recursive: true });
    writeFileSync(join(workspace, 'buf.yaml'), 'version: v2\n');
    const image = join(workspace, 'image.binpb');
    const buf = join(root, 'node_modules', '.bin', 'buf');
    const { status, stderr } = spawnSync(buf, ['build', '--output', image], { cwd: workspace });
    if (status !== 0) throw new Error(`buf build failed: ${stderr}`);
    return fromBinary(FileDescriptorSetSchema, readFileSync(image));
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}
