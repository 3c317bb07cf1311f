/**
 * A contract is one version of one event: its protobuf message and the JSON Schema made from it.
 *
 * An event has one canonical text: ProtoJSON with snake_case names, fields in the order of their
 * numbers, no white space, implicit values written out. The outbox stores it, JetStream carries it,
 * and `payloadHash` is taken over it. On a gRPC link the event travels as a protobuf message; the
 * consumer writes the same text again from it, so both transports lead to the same hash.
 *
 * Both transports end at the same check, the JSON Schema: what one refuses, the other refuses too.
 */

import type { JsonValue, Message, MessageShape } from '@bufbuild/protobuf';
import { type DescMessage, fromJson, type MessageJsonType, toJson } from '@bufbuild/protobuf';
import { compileTextWriter } from './canonicalText.ts';
import { ContractError } from './contractError.ts';
import type { JsonSchema } from './jsonSchema.ts';
import { compileUnknownFieldFinder, type FindUnknownField } from './unknownFields.ts';
import { type Problem, type Validator, validatorOf } from './validator.ts';

/** What every event has in common, as JSON. */
export interface EventJson {
  readonly event_id: string;
  readonly event_version: number;
  readonly event_name: string;
  readonly produced_at: string;
  readonly payload: Record<string, unknown>;
}

/** `Json` is the event's JSON type, such as `ManagerCreatedV0` of gen/events.ts. */
export interface Contract<Json = unknown> {
  /** Name of the event, such as `ManagerCreated`. */
  readonly event: string;
  readonly version: number;
  readonly message: DescMessage;
  readonly schema: JsonSchema;
  /** The problems of a value; empty when it is an event of this contract. Never throws. */
  readonly findProblems: Validator;
  /** The first field of a binary message that the contract does not have. */
  readonly findUnknownField: FindUnknownField;
  /** The canonical text of a valid event. */
  readonly writeText: (event: unknown) => string;
  /** Never set: carries the type of the event. */
  readonly json?: Json;
}

/** A decoded event, or why decoding failed. */
export type Decoded<Json> =
  | { readonly ok: true; readonly event: Json }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Makes a contract. Every process has the whole map, and most of it is not the process's own: what
 * checks events is compiled by `prepareContract`, or at the first event.
 *
 * @example const created = defineContract(managerCreatedV0.message, managerCreatedV0.schema);
 * @throws ContractError `unsupported_field` when the message has a field events may not have.
 */
export function defineContract<Desc extends DescMessage>(
  message: Desc,
  schema: JsonSchema,
): Contract<MessageJsonType<Desc>> {
  return {
    event: message.name,
    version: Number(schema.properties?.event_version?.const),
    message,
    schema,
    writeText: compileTextWriter(message),
    findProblems: validatorOf(schema),
    findUnknownField: compileUnknownFieldFinder(message),
  };
}

/**
 * Compiles the check of events now, some milliseconds, not under the first event.
 * Throws when the schema is wrong.
 */
export function prepareContract(contract: Contract): void {
  contract.findProblems.prepare();
}

/**
 * The canonical text of a valid event. Does not validate (use `findProblems`): unknown fields are
 * left out, and values of the wrong type are written as they are.
 */
export function encodeText<Json>(contract: Contract<Json>, event: Json): string {
  return contract.writeText(event);
}

/** Parses and validates the text of an event. Never throws on bad input. */
export function decodeText<Json>(contract: Contract<Json>, text: string): Decoded<Json> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, problems: [{ field: '', message: describeNotJson(error) }] };
  }
  return decodeJson(contract, value);
}

/** Validates an event that is already parsed. */
export function decodeJson<Json>(contract: Contract<Json>, value: unknown): Decoded<Json> {
  const problems = contract.findProblems(value);
  return problems.length === 0 ? { ok: true, event: value as Json } : { ok: false, problems };
}

/**
 * The protobuf message of a valid event, for gRPC.
 *
 * @throws ContractError `not_this_contract` when the event is not valid.
 */
export function toMessage<Json>(contract: Contract<Json>, event: Json): Message {
  try {
    return fromJson(contract.message, event as JsonValue);
  } catch (cause) {
    throw new ContractError('not_this_contract', `not a ${nameOf(contract)}`, { cause });
  }
}

/**
 * The event of a protobuf message, not validated: see `decodeMessage`.
 *
 * @throws ContractError `not_this_contract` when the message holds a value that JSON cannot
 *   express, such as a timestamp beyond the year 9999.
 */
export function fromMessage<Json>(contract: Contract<Json>, message: Message): Json {
  try {
    const shape = message as MessageShape<DescMessage>;
    return toJson(contract.message, shape, { alwaysEmitImplicit: true }) as Json;
  } catch (cause) {
    throw new ContractError('not_this_contract', `not a ${nameOf(contract)}`, { cause });
  }
}

/** Validates the message of an event exactly as `decodeText` does its text. Never throws. */
export function decodeMessage<Json>(contract: Contract<Json>, message: Message): Decoded<Json> {
  const unknown = contract.findUnknownField(message);
  if (unknown) return { ok: false, problems: [unknown] };
  try {
    return decodeJson(contract, fromMessage(contract, message));
  } catch {
    const problem = { field: '', message: 'holds a value that JSON cannot express' };
    return { ok: false, problems: [problem] };
  }
}

// The message of JSON.parse quotes the text, which may be personal.
function describeNotJson(error: unknown): string {
  const position = /position (\d+)/.exec(String(error))?.[1];
  return position ? `is not JSON (at character ${position})` : 'is not JSON';
}

function nameOf(contract: Contract): string {
  return `${contract.event} v${contract.version}`;
}
