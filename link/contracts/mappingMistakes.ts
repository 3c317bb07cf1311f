/** What can be wrong with a mapping before any message goes through it. */
import { compareSchemas } from './compatibility.ts';
import type { Contract } from './contract.ts';
import { type FieldChange, listed } from './fieldChange.ts';
import type { JsonSchema } from './jsonSchema.ts';
import { validatorOf } from './validator.ts';

type Schemas = Readonly<Record<string, JsonSchema>>;

/** The schema of each field of the payload. */
export function payloadFields({ schema }: Contract): Schemas {
  return schema.properties?.payload?.properties ?? {};
}

/** The fields that both versions have and no change ends or gives. */
export function copiedFields(
  older: Contract,
  newer: Contract,
  changes: readonly FieldChange[],
): string[] {
  const [ended, given] = [endedBy(changes), givenBy(changes)];
  const kept = Object.keys(payloadFields(newer)).filter((field) => !given.includes(field));
  return Object.keys(payloadFields(older)).filter(
    (field) => !ended.includes(field) && kept.includes(field),
  );
}

/** All of them, each a sentence; empty when the mapping is whole. */
export function findMistakes(
  older: Contract,
  newer: Contract,
  changes: readonly FieldChange[],
): string[] {
  const wrongPair = notNeighbours(older, newer);
  if (wrongPair.length > 0) return wrongPair;
  const named = [
    ...strangeFields(older, endedBy(changes)),
    ...strangeFields(newer, givenBy(changes)),
  ];
  if (named.length > 0) return named;
  return [
    ...fieldsWithoutFate(older, newer, changes),
    ...unreadableFields(older, newer, changes),
    ...unequalRules(older, newer, changes),
    ...unfitConstants(newer, changes),
    ...bothLosses(changes),
  ];
}

function notNeighbours(older: Contract, newer: Contract): string[] {
  if (older.event !== newer.event) {
    return [`it leads to another event, ${newer.event}; give two versions of one`];
  }
  if (newer.version === older.version + 1) return [];
  return ['it is not one step; map each version to the next'];
}

function strangeFields(contract: Contract, fields: readonly string[]): string[] {
  const known = Object.keys(payloadFields(contract));
  const strange = fields.filter((field) => !known.includes(field));
  const twice = fields.filter((field, at) => fields.indexOf(field) !== at);
  return [
    ...strange.map((field) => `v${contract.version} has no field ${field}; check its name`),
    ...twice.map((field) => `${field} of v${contract.version} is in two changes; leave one`),
  ];
}

/** A field that only one side has, or that a change takes on one side only, needs a change. */
function fieldsWithoutFate(older: Contract, newer: Contract, changes: readonly FieldChange[]) {
  const copied = copiedFields(older, newer, changes);
  const left = rest(older, [...endedBy(changes), ...copied]);
  const wanted = rest(newer, [...givenBy(changes), ...copied]);
  return [
    ...left.map((field) => `nobody takes ${field} of v${older.version}; rename or remove it`),
    ...wanted.map((field) => `nobody gives ${field} of v${newer.version}; add or derive it`),
  ];
}

function rest(contract: Contract, accounted: readonly string[]): string[] {
  return Object.keys(payloadFields(contract)).filter((field) => !accounted.includes(field));
}

/** On the way back a derived field is gone, and must follow from what is still there. */
function unreadableFields(older: Contract, newer: Contract, changes: readonly FieldChange[]) {
  const copied = copiedFields(older, newer, changes);
  return changes.flatMap(({ newer, reads }) =>
    reads
      .filter((field) => !copied.includes(field))
      .map((field) => `${listed(newer)} follows from ${field}, which is not in both versions`),
  );
}

/** What goes over as it is must be allowed on either side. */
function unequalRules(older: Contract, newer: Contract, changes: readonly FieldChange[]): string[] {
  const pairs = [
    ...copiedFields(older, newer, changes).map((field) => [field, field] as const),
    ...changes.filter((one) => one.renames).map((one) => [one.older[0]!, one.newer[0]!] as const),
  ];
  return pairs.flatMap(([from, to]) => {
    const problems = compareSchemas(onlyField(older, from, to), onlyField(newer, to, to));
    return problems.map(({ field, problem, direction }) => {
      const writer = direction === 'backward' ? older : newer;
      return `${field} of v${writer.version} ${problem}; give both versions the same rules`;
    });
  });
}

/** The schema of a payload that has this field alone, under the name `as`. */
function onlyField(contract: Contract, field: string, as: string): JsonSchema {
  const required = contract.schema.properties?.payload?.required ?? [];
  return {
    type: 'object',
    properties: { [as]: payloadFields(contract)[field]! },
    required: required.includes(field) ? [as] : [],
    additionalProperties: false,
  };
}

function unfitConstants(newer: Contract, changes: readonly FieldChange[]): string[] {
  const fields = payloadFields(newer);
  return changes
    .filter(({ drops }) => drops)
    .flatMap(({ up }) => Object.entries(up({})))
    .flatMap(([field, value]) =>
      validatorOf(fields[field]!)(value).map(({ message }) => `the default of ${field} ${message}`),
    );
}

/**
 * The hash of a message is taken in the version that both sides can compute: where fields are
 * dropped the producer takes it down, where they are asked for the consumer takes it up.
 */
function bothLosses(changes: readonly FieldChange[]): string[] {
  const dropped = givenBy(changes.filter(({ drops }) => drops));
  const asked = endedBy(changes.filter(({ back }) => back === 'asked of the owner'));
  if (dropped.length === 0 || asked.length === 0) return [];
  return [
    `it drops ${listed(dropped)} and asks the owner for ${listed(asked)}, so neither side could ` +
      'compute what the other hashes; make two versions of it',
  ];
}

function endedBy(changes: readonly FieldChange[]): string[] {
  return changes.flatMap(({ older }) => older);
}

function givenBy(changes: readonly FieldChange[]): string[] {
  return changes.flatMap(({ newer }) => newer);
}
