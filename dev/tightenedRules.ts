/**
 * Rules of requests (protovalidate) that became stricter between two versions of the APIs. `buf
 * breaking` does not look at rules, and a caller of before is refused all the same.
 *
 * A rule that is not listed here as a limit, a list or a switch must not change at all: nobody can say
 * whether another pattern takes what the old one took.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  create,
  type DescField,
  type DescMessage,
  type FileRegistry,
  getOption,
  isFieldSet,
  type Message,
  toJson,
} from '@bufbuild/protobuf';
import { pathToString, reflect } from '@bufbuild/protobuf/reflect';
import { createValidator, type Validator } from '@bufbuild/protovalidate';
import {
  FieldRulesSchema,
  field as fieldRules,
  MessageRulesSchema,
  message as messageRules,
  OneofRulesSchema,
  oneof as oneofRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

export interface TightenedRule {
  /** Such as `hiring.v1.SubmitSolutionRequest.note`. */
  readonly field: string;
  /** Such as `string.max_len`; `new field` for one that callers of before do not know. */
  readonly rule: string;
  readonly problem: string;
}

type Rules = ReadonlyMap<string, unknown>;

const UPPER = /^(max_|lte?$|within$)/;
const LOWER = /^(min_|gte?$)/;

/** What requests of `before` may hold and `after` refuses. */
export function findTightened(before: FileRegistry, after: FileRegistry): TightenedRule[] {
  const validator = createValidator();
  const found: TightenedRule[] = [];
  for (const name of requestTypes(before)) {
    const [old, now] = [before.getMessage(name), after.getMessage(name)];
    if (old && now) found.push(...tightenedIn(old, now, validator));
  }
  return found;
}

/** The messages that requests are made of, each once. */
function requestTypes(registry: FileRegistry): Set<string> {
  const names = new Set<string>();
  const visit = (message: DescMessage) => {
    if (names.has(message.typeName)) return;
    names.add(message.typeName);
    for (const { message: inner } of message.fields) if (inner) visit(inner);
  };
  for (const one of registry)
    if (one.kind === 'service') for (const { input } of one.methods) visit(input);
  return names;
}

function tightenedIn(old: DescMessage, now: DescMessage, validator: Validator): TightenedRule[] {
  const fields = now.fields.flatMap((field) => {
    const earlier = old.fields.find(({ number }) => number === field.number);
    if (!earlier) return askedOfOldCallers(now, field, validator);
    return compareRules(`${now.typeName}.${field.name}`, rulesOf(earlier), rulesOf(field));
  });
  const choices = now.oneofs.flatMap((oneof) => {
    const earlier = old.oneofs.find(({ name }) => name === oneof.name);
    const was = earlier ? flatten(OneofRulesSchema, getOption(earlier, oneofRules)) : new Map();
    const is = flatten(OneofRulesSchema, getOption(oneof, oneofRules));
    return compareRules(`${now.typeName}.${oneof.name}`, was, is);
  });
  const own = [old, now].map((one) => flatten(MessageRulesSchema, getOption(one, messageRules)));
  return [...fields, ...choices, ...compareRules(now.typeName, own[0]!, own[1]!)];
}

/** A caller of before leaves the new field away: then its rules must hold. */
function askedOfOldCallers(
  message: DescMessage,
  field: DescField,
  validator: Validator,
): TightenedRule[] {
  const { violations = [] } = validator.validate(message, create(message));
  return violations
    .filter(({ field: path }) => pathToString(path.slice(0, 1)) === field.name)
    .map(({ message: problem }) => ({
      field: `${message.typeName}.${field.name}`,
      rule: 'new field',
      problem: `callers that do not know it are refused: ${problem}`,
    }));
}

function rulesOf(field: DescField): Rules {
  return flatten(FieldRulesSchema, getOption(field, fieldRules));
}

/** Every rule that is set, by its path, such as `repeated.items.string.max_len`. */
function flatten(desc: DescMessage, rules: Message, path = ''): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  const reflected = reflect(desc, rules);
  for (const field of desc.fields) {
    if (!isFieldSet(rules, field) || field.name === 'example') continue;
    const name = path + field.name;
    const isNested = field.fieldKind === 'message' && field.message.typeName.endsWith('Rules');
    if (!isNested) flat.set(name, plain(field, reflected.get(field)));
    else {
      const inner = reflected.get(field) as { message: Message };
      for (const one of flatten(field.message, inner.message, `${name}.`)) flat.set(...one);
    }
  }
  return flat;
}

function plain(field: DescField, value: unknown): unknown {
  if (field.fieldKind === 'list')
    return [...(value as Iterable<unknown>)].map((one) => messageText(field.message, one));
  return messageText(field.message, value);
}

function messageText(desc: DescMessage | undefined, value: unknown): unknown {
  if (!desc) return value;
  return JSON.stringify(toJson(desc, (value as { message: Message }).message));
}

function compareRules(field: string, old: Rules, now: Rules): TightenedRule[] {
  const names = new Set([...old.keys(), ...now.keys()]);
  return [...names]
    .filter((rule) => isTighter(rule.split('.').at(-1)!, old.get(rule), now.get(rule)))
    .map((rule) => {
      const problem = `was ${show(old.get(rule))}, is ${show(now.get(rule))}`;
      return { field, rule, problem };
    });
}

function isTighter(name: string, old: unknown, now: unknown): boolean {
  if (isDeepStrictEqual(old, now)) return false;
  // Of all rules, only this one takes others away.
  if (name === 'ignore') return Number(now ?? 0) < Number(old ?? 0);
  if (now === undefined || now === false) return false;
  if (old === undefined) return true;
  if (name === 'in') return (old as unknown[]).some((one) => !(now as unknown[]).includes(one));
  if (name === 'not_in') return (now as unknown[]).some((one) => !(old as unknown[]).includes(one));
  if (!isNumber(old) || !isNumber(now)) return true;
  if (UPPER.test(name)) return now < old;
  if (LOWER.test(name)) return now > old;
  return true;
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function show(value: unknown): string {
  if (value === undefined) return 'absent';
  return Array.isArray(value) ? `[${value.map(String).join(', ')}]` : String(value);
}
