/**
 * What may happen to the fields of a payload from one version of an event to the next. Each change
 * says how it is done twice: in TypeScript for a message, in SQL for the columns of a table's row.
 */
import { identifier, literal } from './sqlText.ts';

/** A payload, or some fields of it, by the names of the contract. */
export type Fields = Readonly<Record<string, unknown>>;

/** The SQL expression that stands for a field; its column by default. */
export type ColumnOf = (field: string) => string;

/** SQL expressions by field. */
export type SqlFields = Readonly<Record<string, string>>;

/** The same with the names known, as a change's own SQL sees it. */
type SqlOf<Values> = { readonly [Field in keyof Values & string]: string };

type FieldsOf<Values> = readonly (keyof Values & string)[];

/** What becomes of the older fields that a change ends when a message goes back to the older version. */
type WayBack = 'given' | 'asked of the owner' | 'lost';

/** Changes share no field, so they may be done in any order. */
export interface FieldChange<Older extends string = string, Newer extends string = string> {
  /** For people: `title is split into knowledge_area and title`. */
  readonly words: string;
  /** Fields of the older payload that end here. */
  readonly older: readonly Older[];
  /** Fields of the newer payload that begin here. */
  readonly newer: readonly Newer[];
  /** Fields that it reads and both versions have. */
  readonly reads: readonly string[];
  readonly back: WayBack;
  /** The older payload has nothing to tell the newer fields from. */
  readonly drops: boolean;
  /** The one field goes over as it is, under another name. */
  readonly renames: boolean;
  /** The newer fields, from the older payload. */
  readonly up: (older: Fields) => Fields;
  /** Those of the older fields that the newer payload can give. */
  readonly down: (newer: Fields) => Fields;
  readonly sqlUp: (columnOf: ColumnOf) => SqlFields;
  readonly sqlDown: (columnOf: ColumnOf) => SqlFields;
}

const nothing = () => ({});

const base = {
  older: [],
  newer: [],
  reads: [],
  back: 'given',
  drops: false,
  renames: false,
  up: nothing,
  down: nothing,
  sqlUp: nothing,
  sqlDown: nothing,
} as const;

/** The field has another name from now on. */
export function renamed<Older extends string, Newer extends string>(
  older: Older,
  newer: Newer,
): FieldChange<Older, Newer> {
  return {
    ...base,
    words: `${older} is renamed ${newer}`,
    older: [older],
    newer: [newer],
    renames: true,
    up: (payload) => given(newer, payload[older]),
    down: (payload) => given(older, payload[newer]),
    sqlUp: (columnOf) => ({ [newer]: columnOf(older) }),
    sqlDown: (columnOf) => ({ [older]: columnOf(newer) }),
  };
}

/** A field that older events cannot know: theirs is the default, and the way back drops it. */
export function added<Newer extends string>(
  field: Newer,
  options: { readonly default: unknown },
): FieldChange<never, Newer> {
  return {
    ...base,
    words: `${field} is added; in older events it is ${JSON.stringify(options.default)}`,
    newer: [field],
    drops: true,
    up: () => ({ [field]: options.default }),
    sqlUp: () => ({ [field]: literal(options.default) }),
  };
}

/** A field that follows from others that both versions have, and from nothing else. */
export function derived<Newer extends string, Values extends Fields>(
  field: Newer,
  how: {
    readonly from: FieldsOf<Values>;
    readonly compute: (values: Values) => unknown;
    readonly sql: (columns: SqlOf<Values>) => string;
  },
): FieldChange<never, Newer> {
  return {
    ...base,
    words: `${field} is added; it follows from ${listed(how.from)}`,
    newer: [field],
    reads: how.from,
    up: (payload) => ({ [field]: how.compute(payload as Values) }),
    sqlUp: (columnOf) => ({ [field]: how.sql(columnsOf(how.from, columnOf)) }),
  };
}

/**
 * The field is no more. With `complement` its owner keeps it, and is asked for it when a message has
 * to go back to the older version; without it there is no way back.
 */
export function removed<Older extends string>(
  field: Older,
  options: { readonly complement: boolean } = { complement: false },
): FieldChange<Older, never> {
  const back = options.complement ? 'its owner gives it' : 'nobody can give it';
  return {
    ...base,
    words: `${field} is removed; on the way back ${back}`,
    older: [field],
    back: options.complement ? 'asked of the owner' : 'lost',
  };
}

/**
 * Older fields become newer ones by functions of your own. Where `down(up(x))` is not `x` for every
 * valid `x`, messages change on their way: `test/contracts/mappingSuite.ts` looks for one.
 */
export function rewritten<Older extends Fields, Newer extends Fields>(how: {
  readonly words: string;
  readonly older: FieldsOf<Older>;
  readonly newer: FieldsOf<Newer>;
  readonly up: (older: Older) => Newer;
  readonly down: (newer: Newer) => Older;
  readonly sqlUp: (columns: SqlOf<Older>) => SqlOf<Newer>;
  readonly sqlDown: (columns: SqlOf<Newer>) => SqlOf<Older>;
}): FieldChange<keyof Older & string, keyof Newer & string> {
  const { words, older, newer } = how;
  return {
    ...base,
    words,
    older,
    newer,
    up: (payload) => how.up(payload as Older),
    down: (payload) => how.down(payload as Newer),
    sqlUp: (columnOf) => how.sqlUp(columnsOf(older, columnOf)),
    sqlDown: (columnOf) => how.sqlDown(columnsOf(newer, columnOf)),
  };
}

/** `"title"`: the column that has the field's name. */
export const columnNamedAs: ColumnOf = identifier;

/** `a, b and c` */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join();
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function columnsOf<Values>(fields: FieldsOf<Values>, columnOf: ColumnOf): SqlOf<Values> {
  return Object.fromEntries(fields.map((field) => [field, columnOf(field)])) as SqlOf<Values>;
}

/** An optional field may not be there. */
function given(field: string, value: unknown): Fields {
  return value === undefined ? {} : { [field]: value };
}
