/**
 * A mapping is one step between two versions of an event: how the newer payload comes of the older,
 * and back. docs/contract-versions.md tells how to write one.
 *
 * The owner writes the newest version. A message on its way to a reader of the older one goes
 * `downcast`; the reader of the newer one takes an older message `upcast`. Everything else is by the
 * fields: what no change names is in both versions and goes over as it is.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Contract } from './contract.ts';
import { ContractError } from './contractError.ts';
import {
  type ColumnOf,
  columnNamedAs,
  type FieldChange,
  type Fields,
  listed,
  type SqlFields,
} from './fieldChange.ts';
import { copiedFields, findMistakes, payloadFields } from './mappingMistakes.ts';
import { type Problem, validatorOf } from './validator.ts';

/** The payload of an event's JSON type. */
export type PayloadOf<Event> = Event extends { readonly payload: infer Payload } ? Payload : Fields;

type FieldOf<Event> = keyof PayloadOf<Event> & string;

/**
 * What becomes of an older payload that goes up and comes down again.
 * - `lossless`: it is the same
 * - `lossy with complement`: it is, if the owner gives the fields that the newer one lacks
 * - `irreversible`: it cannot come down
 */
export type Loss = 'lossless' | 'lossy with complement' | 'irreversible';

export interface Mapping<Older = unknown, Newer = unknown> {
  readonly older: Contract<Older>;
  readonly newer: Contract<Newer>;
  readonly changes: readonly FieldChange[];
  /** Fields of the older payload that the newer cannot give: the owner does. */
  readonly complement: readonly string[];
  /** Fields of the newer payload that the older cannot hold. Never together with `complement`. */
  readonly drops: readonly string[];
  readonly loss: Loss;
  /** For people, one line a change: `title is split into knowledge_area and title`. */
  readonly words: readonly string[];

  /** The newer payload of a valid older one. Pure, and needs nothing else. */
  upcast(payload: PayloadOf<Older>): PayloadOf<Newer>;

  /**
   * The older payload of a newer one without problems. Of `complement` only the fields that the
   * mapping names are used.
   * @throws ContractError `no_way_back` when the mapping is irreversible, or when a field of
   *   `complement` is missing.
   */
  downcast(payload: PayloadOf<Newer>, complement?: Fields): PayloadOf<Older>;

  /**
   * Why a valid newer payload cannot be said in the older version and come back as it was, but for
   * what is dropped; its schema alone cannot tell. Empty for every upcast payload. A producer
   * refuses to write one with problems: it could not be sent to a reader of the older version.
   */
  findProblems(payload: PayloadOf<Newer>): readonly Problem[];

  /**
   * Expressions for the fields that change, over the columns of a row in the older form. Fields that
   * are copied are not among them.
   * @param columnOf an expression to stand for a field, safe anywhere; its column by default.
   */
  sqlUp(columnOf?: ColumnOf): SqlFields;

  /**
   * The same for a row in the newer form; without the fields of `complement`.
   * @throws ContractError `no_way_back` when the mapping is irreversible.
   */
  sqlDown(columnOf?: ColumnOf): SqlFields;
}

/**
 * @example defineMapping(createdV0, createdV1, [added('accepted_by', { default: '' })])
 * @throws ContractError `wrong_mapping` with everything that is wrong with it.
 */
export function defineMapping<Older, Newer>(
  older: Contract<Older>,
  newer: Contract<Newer>,
  changes: readonly FieldChange<FieldOf<Older>, FieldOf<Newer>>[],
): Mapping<Older, Newer> {
  refuseMistakes(older, newer, changes);
  return compileMapping(older, newer, changes) as never; // of fields that are the contracts' own
}

/** The same, of payloads whose fields the compiler does not know. */
function compileMapping(
  older: Contract,
  newer: Contract,
  changes: readonly FieldChange[],
): Mapping {
  const copied = copiedFields(older, newer, changes);
  const loss = lossOf(changes);
  const complement = endedBy(changes, 'asked of the owner');
  const allowWayBack = () => refuseLost(older, endedBy(changes, 'lost'));
  return {
    older,
    newer,
    changes,
    loss,
    complement: loss === 'irreversible' ? [] : complement,
    drops: changes.flatMap(({ drops, newer }) => (drops ? newer : [])),
    words: changes.map(({ words }) => words),
    upcast: (payload: Fields) =>
      merge([pick(copied, payload), ...changes.map((change) => change.up(payload))]),
    downcast: (payload: Fields, given: Fields = {}) => {
      allowWayBack();
      const down = changes.map((change) => change.down(payload));
      return merge([pick(copied, payload), ...down, askOwner(older, complement, given)]);
    },
    findProblems: loss === 'irreversible' ? () => [] : compileProblemFinder(older, changes),
    sqlUp: (columnOf = columnNamedAs) => merge(changes.map((change) => change.sqlUp(columnOf))),
    sqlDown: (columnOf = columnNamedAs) => {
      allowWayBack();
      return merge(changes.map((change) => change.sqlDown(columnOf)));
    },
  };
}

/** The event as a reader of the newer version takes it. */
export function upcastEvent<Older, Newer>(mapping: Mapping<Older, Newer>, event: Older): Newer {
  const { payload, ...envelope } = event as { payload: PayloadOf<Older> };
  const event_version = mapping.newer.version;
  return { ...envelope, event_version, payload: mapping.upcast(payload) } as Newer;
}

/** The event as a reader of the older version takes it; throws what `downcast` does. */
export function downcastEvent<Older, Newer>(
  mapping: Mapping<Older, Newer>,
  event: Newer,
  complement?: Fields,
): Older {
  const { payload, ...envelope } = event as { payload: PayloadOf<Newer> };
  const event_version = mapping.older.version;
  return { ...envelope, event_version, payload: mapping.downcast(payload, complement) } as Older;
}

function refuseMistakes(older: Contract, newer: Contract, changes: readonly FieldChange[]): void {
  const mistakes = findMistakes(older, newer, changes);
  if (mistakes.length === 0) return;
  const name = `${older.event} v${older.version} → v${newer.version}`;
  throw new ContractError('wrong_mapping', [`${name}:`, ...mistakes].join('\n  '));
}

function lossOf(changes: readonly FieldChange[]): Loss {
  if (changes.some(({ back }) => back === 'lost')) return 'irreversible';
  return changes.some(({ back }) => back !== 'given') ? 'lossy with complement' : 'lossless';
}

function endedBy(changes: readonly FieldChange[], wayBack: FieldChange['back']): string[] {
  return changes.flatMap(({ back, older }) => (back === wayBack ? older : []));
}

function refuseLost(older: Contract, lost: readonly string[]): void {
  if (lost.length > 0) throw noWayBack(older, `the next version has lost ${listed(lost)}`);
}

function askOwner(older: Contract, complement: readonly string[], given: Fields): Fields {
  const required = older.schema.properties?.payload?.required ?? [];
  const missing = complement.filter(
    (field) => given[field] === undefined && required.includes(field),
  );
  if (missing.length === 0) return pick(complement, given);
  throw noWayBack(older, `its owner has not given ${listed(missing)}`);
}

function noWayBack({ event, version }: Contract, why: string): ContractError {
  return new ContractError('no_way_back', `there is no way back to ${event} v${version}: ${why}`);
}

function pick(fields: readonly string[], from: Fields): Fields {
  const held = fields.filter((field) => from[field] !== undefined);
  return Object.fromEntries(held.map((field) => [field, from[field]]));
}

/** Changes share no field, so the order does not matter. */
function merge<Value>(parts: readonly Readonly<Record<string, Value>>[]): Record<string, Value> {
  return Object.assign({}, ...parts);
}

/** Takes each change down and up again; what was renamed or dropped cannot differ. */
function compileProblemFinder(older: Contract, changes: readonly FieldChange[]) {
  const finders = changes
    .filter(({ newer, drops, renames }) => newer.length > 0 && !drops && !renames)
    .map((change) => changeProblems(older, change));
  return (payload: unknown) => finders.flatMap((find) => find(payload as Fields));
}

function changeProblems(older: Contract, { newer, older: ended, down, up }: FieldChange) {
  const fields = payloadFields(older);
  const checks = ended.map((field) => ({ field, check: validatorOf(fields[field]!) }));
  return (payload: Fields): Problem[] => {
    const given = down(payload);
    const unfit = checks.flatMap(({ field, check }) =>
      check(given[field]).map(({ message }) => problem(newer, `${field}, which ${message}`)),
    );
    if (unfit.length > 0) return unfit;
    const again = up({ ...payload, ...given });
    return newer
      .filter((field) => !isDeepStrictEqual(again[field], payload[field]))
      .map((field) => problem([field], 'something that comes back as another value'));
  };

  function problem(of: readonly string[], made: string): Problem {
    const message = `would be, in version ${older.version}, ${made}`;
    return { field: `payload.${of.join(' and ')}`, message };
  }
}
