/** Who a resource of a test belongs to: it is given back when its owner is done. */
export type Owner = {
  /**
   * A test's `t`; in a `describe` or at the top of a file `{ after }` of `node:test`. Never in a
   * hook: what is registered there runs at the hook's own end, before the first test.
   */
  after(cleanUp: () => Promise<void> | void): void;
  readonly name?: string;
  /** Of a test's `t`, once it ran. */
  readonly passed?: boolean;
};
