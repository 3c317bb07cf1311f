/** What a service lets the kit do with the schema of its database. */

/** One change of a schema. */
export interface SchemaChange {
  /** Its part of the database: the service's own tables, or `link`. */
  readonly part: string;
  readonly name: string;
  /** Whether it removed something. */
  readonly removes: boolean;
  readonly madeAt: Date | undefined;
}

/** Every act may be repeated, and by several processes at once. */
export interface Schema {
  list(): Promise<readonly SchemaChange[]>;
  /** Makes the changes that only add and that this build needs; returns those that were missing. */
  expand(): Promise<readonly SchemaChange[]>;
  /** Makes one change that removes something of the service's own tables; false if it was made before. */
  contract(name: string): Promise<boolean>;
}

/**
 * Names of the changes that remove what only older contract versions of a link need, by the version
 * from which on nothing needs it.
 */
export type Removals = Readonly<Record<number, readonly string[]>>;
