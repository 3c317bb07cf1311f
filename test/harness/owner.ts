/** Who a resource of a test belongs to: it is given back when its owner is done. */
export type Owner = {
  /** A test's `t`; in a `describe` or at the top of a file `{ after }` of `node:test`. */
  after(cleanUp: () => Promise<void> | void): void;
  readonly name?: string;
};
