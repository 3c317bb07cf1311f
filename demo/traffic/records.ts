/**
 * Two ways to write down what callers were told. Only answers that arrived count as told; a call whose
 * answer was lost may have had its effect or not, so it only widens what may be found. A ledger may be
 * told to forget the oldest, for traffic that runs for days and is not compared with anything.
 */

/** An entity that callers change, and whose answers name its version. */
export type ToldEntity<F> = {
  readonly id: string;
  /** The newest version that an answer named; 0 when no answer arrived. */
  readonly version: bigint;
  /** What came with it; absent when no answer arrived. */
  readonly fields: F | undefined;
  /** Changes that callers were told of, the creation included. */
  readonly acknowledged: number;
  /** Calls without an answer: each may have made one more version. */
  readonly unknown: number;
};

export class ToldEntities<F> {
  readonly #entities = new Map<string, ToldEntity<F>>();
  /** Created ones in the order of their answers, to choose from. */
  readonly #ids: string[] = [];
  readonly #maxKept: number;
  #acknowledged = 0;

  constructor(maxKept = Infinity) {
    this.#maxKept = maxKept;
  }

  /** An answer named this version and these fields. */
  acknowledge(id: string, version: bigint, fields: F): void {
    const known = this.#of(id);
    this.#acknowledged += 1;
    if (known.version === 0n) this.#ids.push(id);
    if (this.#ids.length > this.#maxKept) this.#entities.delete(this.#ids.shift()!);
    const newest = version > known.version ? { version, fields } : {};
    this.#entities.set(id, { ...known, ...newest, acknowledged: known.acknowledged + 1 });
  }

  /** The call's outcome is unknown: it may have changed the entity once. */
  loseAnswer(id: string): void {
    const known = this.#of(id);
    this.#entities.set(id, { ...known, unknown: known.unknown + 1 });
  }

  /** Entities that callers know to be there. */
  get count(): number {
    return this.#ids.length;
  }

  /** All changes that callers were told of. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Known ones in the order of their creation. `at` from 0 to `count - 1`. */
  idAt(at: number): string | undefined {
    return this.#ids[at];
  }

  get(id: string): ToldEntity<F> | undefined {
    return this.#entities.get(id);
  }

  all(): ToldEntity<F>[] {
    return [...this.#entities.values()];
  }

  #of(id: string): ToldEntity<F> {
    const nothing = { id, version: 0n, fields: undefined, acknowledged: 0, unknown: 0 };
    return this.#entities.get(id) ?? nothing;
  }
}

/** Facts that happen once, each under an id that its caller chose. */
export class ToldFacts<F> {
  readonly #told = new Map<string, F>();
  readonly #unknown = new Map<string, F>();
  readonly #maxKept: number;

  constructor(maxKept = Infinity) {
    this.#maxKept = maxKept;
  }

  /** An answer said that it is so. */
  acknowledge(id: string, fields: F): void {
    this.#unknown.delete(id);
    this.#told.set(id, fields);
    dropOldest(this.#told, this.#maxKept);
  }

  /** No answer arrived: it may be so or not. */
  loseAnswer(id: string, fields: F): void {
    if (!this.#told.has(id)) this.#unknown.set(id, fields);
    dropOldest(this.#unknown, this.#maxKept);
  }

  get told(): ReadonlyMap<string, F> {
    return this.#told;
  }

  get unknown(): ReadonlyMap<string, F> {
    return this.#unknown;
  }
}

/** A map keeps the order in which its keys came. */
export function dropOldest<F>(map: Map<string, F>, maxKept: number): void {
  if (map.size <= maxKept) return;
  for (const id of map.keys()) {
    map.delete(id);
    return;
  }
}
