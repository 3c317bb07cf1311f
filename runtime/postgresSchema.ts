/** What may be done with the schema of a service's database while it runs. */

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
