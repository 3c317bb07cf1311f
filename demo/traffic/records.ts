/**
 * Two records of what callers were told. Only an answer that arrived counts as acknowledged; a call
 * whose answer was lost may have had its effect or not, so it only widens what may be found. A
 * record can drop its oldest entries, for traffic that runs for days and is compared with nothing.
 */

/** An entity that callers change, and whose answers name its version. */
export interface EntityRecord<F> {
  readonly id: string;
  /** The newest version that an answer named; 0 when no answer arrived. */
  readonly version: bigint;
  /** The fields of that answer; absent when no answer arrived. */
  readonly fields: F | undefined;
  /** Acknowledged changes, the creation included. */
  readonly acknowledged: number;
  /** Calls without an answer: each may have made one more version. */
  readonly unknown: number;
}

export class EntityRecords<F> {
  readonly #entities = new Map<string, EntityRecord<F>>();
  /** Created entities in the order of their answers, to choose from. */
  readonly #ids: string[] = [];
  readonly #maxKept: number;
  #acknowledgedCount = 0;

  constructor(maxKept = Infinity) {
    this.#maxKept = maxKept;
  }

  /** An answer named this version and these fields. */
  acknowledge(id: string, version: bigint, fields: F): void {
    const known = this.#of(id);
    this.#acknowledgedCount += 1;
    if (known.version === 0n) this.#ids.push(id);
    if (this.#ids.length > this.#maxKept) this.#entities.delete(this.#ids.shift()!);
    const newest = version > known.version ? { version, fields } : {};
    this.#entities.set(id, { ...known, ...newest, acknowledged: known.acknowledged + 1 });
  }

  /** The call's outcome is unknown: it may have changed the entity once. */
  recordUnknown(id: string): void {
    const known = this.#of(id);
    this.#entities.set(id, { ...known, unknown: known.unknown + 1 });
  }

  /** Entities that callers know to exist. */
  get count(): number {
    return this.#ids.length;
  }

  /** Acknowledged changes of all entities. */
  get acknowledgedCount(): number {
    return this.#acknowledgedCount;
  }

  /** Known ids in the order of creation. `at` runs from 0 to `count - 1`. */
  idAt(at: number): string | undefined {
    return this.#ids[at];
  }

  get(id: string): EntityRecord<F> | undefined {
    return this.#entities.get(id);
  }

  all(): EntityRecord<F>[] {
    return [...this.#entities.values()];
  }

  #of(id: string): EntityRecord<F> {
    const nothing = { id, version: 0n, fields: undefined, acknowledged: 0, unknown: 0 };
    return this.#entities.get(id) ?? nothing;
  }
}

/** Facts that happen once, each under an id that its caller chose. */
export class FactRecords<F> {
  readonly #acknowledged = new Map<string, F>();
  readonly #unknown = new Map<string, F>();
  readonly #maxKept: number;

  constructor(maxKept = Infinity) {
    this.#maxKept = maxKept;
  }

  /** An answer confirmed the fact. */
  acknowledge(id: string, fields: F): void {
    this.#unknown.delete(id);
    this.#acknowledged.set(id, fields);
    dropOldest(this.#acknowledged, this.#maxKept);
  }

  /** No answer arrived: the fact may have happened or not. */
  recordUnknown(id: string, fields: F): void {
    if (!this.#acknowledged.has(id)) this.#unknown.set(id, fields);
    dropOldest(this.#unknown, this.#maxKept);
  }

  get acknowledged(): ReadonlyMap<string, F> {
    return this.#acknowledged;
  }

  get unknown(): ReadonlyMap<string, F> {
    return this.#unknown;
  }
}

/** A map keeps its keys in the order of insertion. */
export function dropOldest<F>(map: Map<string, F>, maxKept: number): void {
  if (map.size <= maxKept) return;
  for (const id of map.keys()) {
    map.delete(id);
    return;
  }
}
