import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FileRegistry } from '@bufbuild/protobuf';
import { findTightened } from '../../dev/tightenedRules.ts';
import { compileProtos } from './compileProtos.ts';

/** One request message for each case: buf starts twice, not twice a case. */
const cases: [name: string, before: string, after: string, found: string[]][] = [
  [
    'a lower limit',
    'string f = 1 [V.string.max_len = 9];',
    'string f = 1 [V.string.max_len = 5];',
    ['f string.max_len'],
  ],
  ['a first limit', 'string f = 1;', 'string f = 1 [V.string.max_len = 5];', ['f string.max_len']],
  [
    'a limit on items',
    'repeated string f = 1;',
    'repeated string f = 1 [V.repeated.items.string.min_len = 1];',
    ['f repeated.items.string.min_len'],
  ],
  [
    'a limit on values of a map',
    'map<string, string> f = 1;',
    'map<string, string> f = 1 [V.map.values.string.max_len = 5];',
    ['f map.values.string.max_len'],
  ],
  [
    'fewer values',
    'int32 f = 1 [V.int32 = {in: [1, 2]}];',
    'int32 f = 1 [V.int32 = {in: [1]}];',
    ['f int32.in'],
  ],
  [
    'another pattern',
    'string f = 1 [V.string.pattern = "a"];',
    'string f = 1 [V.string.pattern = "b"];',
    ['f string.pattern'],
  ],
  [
    'a field that is required now',
    'string f = 1;',
    'string f = 1 [V.required = true];',
    ['f required'],
  ],
  [
    'an empty value that counts now',
    'string f = 1 [V.ignore = IGNORE_IF_ZERO_VALUE, V.string.min_len = 2];',
    'string f = 1 [V.string.min_len = 2];',
    ['f ignore'],
  ],
  [
    'an expression',
    'string f = 1;',
    'string f = 1 [V.cel_expression = "this != \'x\'"];',
    ['f cel_expression'],
  ],
  [
    'a new field that must be there',
    'string f = 1;',
    'string f = 1; string g = 2 [V.string.uuid = true];',
    ['g new field'],
  ],
  [
    'a choice that must be made now',
    'oneof c { string f = 1; }',
    'oneof c { option (buf.validate.oneof).required = true; string f = 1; }',
    ['c required'],
  ],
  [
    'a rule inside a message that a request holds',
    'In f = 1; message In { string g = 1; }',
    'In f = 1; message In { string g = 1 [V.string.max_len = 5]; }',
    ['In.g string.max_len'],
  ],
  [
    'a higher limit',
    'string f = 1 [V.string.max_len = 5];',
    'string f = 1 [V.string.max_len = 9];',
    [],
  ],
  ['a rule that is gone', 'int64 f = 1 [V.int64.gte = 0];', 'int64 f = 1;', []],
  [
    'more values',
    'int32 f = 1 [V.int32 = {in: [1]}];',
    'int32 f = 1 [V.int32 = {in: [1, 2]}];',
    [],
  ],
  [
    'a new field that may be left away',
    'string f = 1;',
    'string f = 1; string g = 2 [V.string.max_len = 5];',
    [],
  ],
];

let compiled: readonly [FileRegistry, FileRegistry] | undefined;

function findIn(n: number): string[] {
  compiled ??= [compile((one) => one[1]), compile((one) => one[2])];
  const [before, after] = compiled;
  return findTightened(before, after)
    .filter(({ field }) => field.startsWith(`shop.v1.Request${n}.`))
    .map(({ field, rule }) => `${field.slice(`shop.v1.Request${n}.`.length)} ${rule}`);
}

function compile(body: (one: (typeof cases)[number]) => string): FileRegistry {
  const folder = mkdtempSync(join(tmpdir(), 'relink-rules-'));
  try {
    writeFileSync(join(folder, 'shop.proto'), source(body));
    return compileProtos(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function source(body: (one: (typeof cases)[number]) => string): string {
  const messages = cases.map((one, n) => `message Request${n} { ${body(one)} }`);
  const methods = cases.map((_, n) => `rpc Do${n}(Request${n}) returns (Answer);`);
  return [
    'syntax = "proto3";',
    'package shop.v1;',
    'import "buf/validate/validate.proto";',
    'message Answer { string f = 1 [(buf.validate.field).string.max_len = 5]; }',
    `service Shop { ${methods.join('\n')} }`,
    ...messages.map((text) =>
      text
        .replaceAll('[V.', '[(buf.validate.field).')
        .replaceAll(', V.', ', (buf.validate.field).'),
    ),
  ].join('\n');
}

for (const [n, [name, , , found]] of cases.entries()) {
  const verb = found.length > 0 ? 'finds' : 'lets pass';
  test(`the comparison of rules ${verb} ${name}`, () => assert.deepEqual(findIn(n), found));
}
