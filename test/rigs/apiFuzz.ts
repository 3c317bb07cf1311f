/**
 * Calls methods as nobody should: every field of every request gets every bad value that we could think
 * of, one at a time, and the bytes of requests are cut and made up. Whatever comes, a server answers, and
 * it answers in the caller's words: never INTERNAL, never UNKNOWN, never with a lost connection.
 */
import { randomUUID } from 'node:crypto';
import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  type Message,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { Random } from './random.ts';

const CALL_LIMIT_MS = 20_000;
const AT_ONCE = 8;
const MEBIBYTE = 2 ** 20;
/** Longer than any rule allows, and still below gRPC's 4 MiB. */
const MANY = 20_000;

/** One call to be made. */
export interface FuzzCall {
  readonly method: DescMethod;
  /** What is wrong with the request. */
  readonly what: string;
  /** Made when it is sent: some are large. */
  readonly bytes: () => Uint8Array;
}

/** A base value of a field by its name, where a made-up one would not get far. */
export type KnownValues = (method: DescMethod, field: DescField) => unknown;

/** Every bad request of a method, and some whose bytes are cut or made up. */
export function badCalls(method: DescMethod, known: KnownValues, random: Random): FuzzCall[] {
  const base = () => baseOf(method.input, (field) => known(method, field)) as Fields;
  const calls = mutationsOf(method.input).map(({ what, apply }): FuzzCall => {
    const bytes = () => {
      const request = base();
      apply(request);
      return toBinary(method.input, request as unknown as Message);
    };
    return { method, what, bytes };
  });
  const bytes = toBinary(method.input, base() as unknown as Message);
  const cut = bytes.subarray(0, random.below(bytes.length + 1));
  const noise = Uint8Array.from({ length: random.below(200) }, () => random.below(256));
  const shaken = bytes.map((byte) => (random.chance(0.1) ? random.below(256) : byte));
  return [
    ...calls,
    { method, what: 'nothing', bytes: () => new Uint8Array() },
    { method, what: 'cut bytes', bytes: () => cut },
    { method, what: 'random bytes', bytes: () => noise },
    { method, what: 'shaken bytes', bytes: () => shaken },
  ];
}

type Fields = Record<string, unknown>;
type Mutation = { readonly what: string; readonly apply: (message: Fields) => void };

function mutationsOf(desc: DescMessage, depth = 0): Mutation[] {
  return desc.fields.flatMap((field) => [
    ...badValues(field).map(([name, value]) => ({
      what: `${field.name} is ${name}`,
      apply: (message: Fields) => setField(message, field, value),
    })),
    ...nested(field, depth),
  ]);
}

/** Bad values of the fields of a message that this field holds. */
function nested(field: DescField, depth: number): Mutation[] {
  const { message } = field;
  if (!message || field.fieldKind === 'map' || depth > 3) return [];
  return mutationsOf(message, depth + 1).map(({ what, apply }) => ({
    what: `${field.name}.${what}`,
    apply: (outer) => {
      const inner = baseOf(message) as Fields;
      apply(inner);
      setField(outer, field, field.fieldKind === 'list' ? [inner] : inner);
    },
  }));
}

function badValues(field: DescField): [string, unknown][] {
  if (field.fieldKind === 'map') return [['a map of many', manyPairs()]];
  const one = badScalars(field);
  if (field.fieldKind !== 'list') return one;
  const usual = usualScalar(field, 0);
  const many: [string, unknown] = ['many', Array.from({ length: MANY }, () => usual)];
  return [many, ...one.map(([name, value]): [string, unknown] => [name, [value]])];
}

function badScalars({ enum: isEnum, message, scalar }: DescField): [string, unknown][] {
  if (isEnum) return [['undefined in its enum', 99]];
  if (message) return [];
  switch (scalar) {
    case ScalarType.STRING:
      return STRINGS;
    case ScalarType.INT32:
      return [-(2 ** 31), -1, 0, 2 ** 31 - 1].map((value) => [String(value), value]);
    case ScalarType.INT64:
      return [-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n].map((value) => [String(value), value]);
    default:
      return [];
  }
}

const STRINGS: [string, string][] = [
  ['empty', ''],
  ['NUL', 'a\0b'],
  ['a mebibyte', 'x'.repeat(MEBIBYTE)],
  ['odd characters', '\u202e\ufffe\u0301🧨\u{10ffff}'],
  ['36 signs', '-'.repeat(36)],
  ['a quote', `'; select "1" --%00`],
];

function manyPairs(): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`k${i}\0`, 'v\0']));
}

function baseOf(desc: DescMessage, known?: (field: DescField) => unknown, depth = 0): unknown {
  const message = create(desc) as unknown as Fields;
  for (const field of desc.fields) {
    const value = known?.(field) ?? usualValue(field, depth);
    if (value !== undefined) setField(message, field, value);
  }
  return message;
}

function setField(message: Fields, field: DescField, value: unknown): void {
  // A proto3 optional is a oneof of its own, which messages of protobuf-es do not show.
  if (field.oneof) message[field.oneof.localName] = { case: field.localName, value };
  else message[field.localName] = value;
}

function usualValue(field: DescField, depth = 0): unknown {
  if (field.fieldKind === 'map') return undefined;
  if (field.fieldKind === 'list' && field.message) return undefined;
  const one = usualScalar(field, depth);
  return field.fieldKind === 'list' ? [one] : one;
}

function usualScalar(field: DescField, depth: number): unknown {
  const { enum: isEnum, message, scalar, name } = field;
  if (isEnum) return 1;
  if (message) return depth > 3 ? undefined : baseOf(message, undefined, depth + 1);
  if (scalar === ScalarType.STRING) return /(^|_)(ids?|key)$/.test(name) ? randomUUID() : 'Ada';
  if (scalar === ScalarType.BOOL) return false;
  return scalar === ScalarType.INT64 ? 1n : 1;
}

export interface FuzzResult {
  /** Calls that were answered as they never may. */
  readonly faults: readonly string[];
  /** By method, how many calls were accepted. */
  readonly accepted: ReadonlyMap<string, number>;
}

/** Makes the calls at one address, some at once. */
export async function makeCalls(address: string, calls: readonly FuzzCall[]): Promise<FuzzResult> {
  const client = new Client(address, credentials.createInsecure());
  const faults: string[] = [];
  const accepted = new Map<string, number>();
  const left = [...calls];
  const work = async () => {
    for (let call = left.pop(); call; call = left.pop()) {
      const { code, details } = await make(client, call);
      const name = `${call.method.parent.typeName}/${call.method.name}`;
      if (code === status.OK) accepted.set(name, (accepted.get(name) ?? 0) + 1);
      if (NEVER.has(code)) faults.push(`${name}, ${call.what}: ${status[code]} ${details}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  client.close();
  return { faults, accepted };
}

const NEVER: ReadonlySet<number> = new Set([
  status.INTERNAL,
  status.UNKNOWN,
  status.UNAVAILABLE,
  status.DATA_LOSS,
  status.DEADLINE_EXCEEDED,
]);

function make(client: Client, { method, bytes }: FuzzCall) {
  const path = `/${method.parent.typeName}/${method.name}`;
  const deadline = Date.now() + CALL_LIMIT_MS;
  return new Promise<{ code: status; details: string }>((resolve) => {
    const same = (one: Buffer) => one;
    const stream = client.makeServerStreamRequest(
      ...([path, same, same, Buffer.from(bytes()), new Metadata(), { deadline }] as const),
    );
    // A stream that answers goes on until it is cancelled; a method with one answer ends by itself.
    stream.on('data', () => {
      if (method.methodKind === 'server_streaming') stream.cancel();
    });
    stream.on('error', () => undefined);
    stream.on('status', resolve);
  });
}
