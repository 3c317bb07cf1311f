/** docs/interfaces.md names what the program has: commands, options, codes, methods, ports, variables. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DescService } from '@bufbuild/protobuf';
import { portsFrom } from '../../dev/ports.ts';
import { AssessmentsService } from '../../gen/assessments/v1/assessments_service_pb.ts';
import { BonusesService } from '../../gen/bonuses/v1/bonuses_service_pb.ts';
import { FinanceService } from '../../gen/finance/v1/finance_service_pb.ts';
import { HiringService } from '../../gen/hiring/v1/hiring_service_pb.ts';
import { ManagementService } from '../../gen/management/v1/management_service_pb.ts';
import { Operator } from '../../gen/relink/v1/operator_pb.ts';
import { HEADER } from '../../link/wire/headers.ts';
import { EXIT } from '../../operator/cli/exitCode.ts';
import { createProgram } from '../../operator/cli/program.ts';
import { baseConfigProperties, variableOf } from '../../runtime/config.ts';
import { blockIn, codeIn, read, section, tableUnder } from './pages.ts';

const PAGE = 'docs/interfaces.md';
const SERVICES: readonly DescService[] = [
  AssessmentsService,
  HiringService,
  ManagementService,
  BonusesService,
  FinanceService,
  Operator,
];

interface CommandNode {
  readonly commands: readonly CommandNode[];
  readonly options: readonly { readonly long?: string | null | undefined }[];
  name(): string;
}

interface Leaf {
  readonly path: string;
  readonly options: readonly string[];
}

const program = createProgram('0', () => {
  throw new Error('not run here');
}) as unknown as CommandNode;

test('every command of the command line is there with all its options, and no other', () => {
  const shown = blockIn(section(PAGE, 'Command line')).split('\n').map(readLine);
  const byPath = (a: Leaf, b: Leaf) => (a.path < b.path ? -1 : 1);
  const expected = leavesOf(program, 'relink').filter(({ path }) => path !== 'relink help');
  assert.deepEqual(shown.sort(byPath), expected.sort(byPath));
});

test('the options of every command are there', () => {
  const text = section(PAGE, 'Command line');
  for (const option of optionsOf(program)) assert.ok(text.includes(option), option);
});

test('every npm script is there', () => {
  const text = tableUnder(PAGE, 'Commands').flat().join(' ');
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const missing = Object.keys(scripts).filter(
    (name) => !text.includes(`npm run ${name}\``) && !text.includes(`npm ${name}\``),
  );
  assert.deepEqual(missing, []);
});

test('the exit codes are those of the program', () => {
  const codes = tableUnder(PAGE, 'Exit codes').map(([code]) => Number(code));
  assert.deepEqual(codes, Object.values(EXIT));
});

test('every method of every public service is there, and no other', () => {
  const rows = new Map(
    tableUnder(PAGE, 'gRPC').map(([name, , methods]) => [codeIn(name!)[0]!, codeIn(methods!)]),
  );
  for (const { typeName, methods } of SERVICES) {
    const names = methods.map(({ name }) => name);
    assert.deepEqual(rows.get(typeName)?.toSorted(), names.toSorted(), typeName);
  }
  const others = [...rows.keys()].filter((name) => !SERVICES.some((one) => one.typeName === name));
  assert.deepEqual(others, ['relink.v1.LinkParticipant'], 'described in docs/protocol.md');
});

test('the ports are those of the stack', () => {
  const rows = tableUnder(PAGE, 'Addresses').map(([what, port, http]) => [
    ...[what!.replace(', gRPC', ''), Number(port), Number.parseInt(http!, 10) || 0],
  ]);
  const { operator, services, postgres, nats, natsMonitor } = portsFrom();
  const processes = Object.entries({ operator, ...services });
  assert.deepEqual(rows, [
    ...processes.map(([name, { grpc, http }]) => [name, grpc, http]),
    ['PostgreSQL', postgres, 0],
    ['NATS', nats, natsMonitor],
  ]);
});

test('every header is there', () => {
  const [headers] = tableUnder(PAGE, 'NATS').filter(([what]) => what === 'headers');
  assert.deepEqual(codeIn(headers![1]!).sort(), Object.values(HEADER).sort());
});

test('every variable of a process is there', () => {
  const shown = tableUnder(PAGE, 'Environment of a process').flatMap(([names]) => codeIn(names!));
  const known = [...Object.keys(baseConfigProperties), 'gateCommands'].map(variableOf);
  assert.deepEqual(shown.sort(), known.sort());
});

/** `relink runs   # the latest runs   [--link ID]` */
function readLine(line: string): Leaf {
  const words = line.split(/\s+/);
  const path = words.slice(0, lengthOfPath(words)).join(' ');
  return { path, options: [...line.matchAll(/--[a-z-]+/g)].map(([option]) => option).sort() };
}

function lengthOfPath(words: readonly string[]): number {
  let at = program;
  let length = 1;
  for (const word of words.slice(1)) {
    const next = at.commands.find((one) => one.name() === word);
    if (!next) break;
    at = next;
    length += 1;
  }
  return length;
}

function leavesOf(command: CommandNode, path: string): Leaf[] {
  if (command.commands.length === 0) return [{ path, options: optionsOf(command).sort() }];
  return command.commands.flatMap((child) => leavesOf(child, `${path} ${child.name()}`));
}

function optionsOf(command: CommandNode): string[] {
  return command.options.flatMap(({ long }) => long ?? []);
}
