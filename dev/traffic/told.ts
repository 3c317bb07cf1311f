/**
 * What callers were told, manager by manager: the other side of the comparison with the owner's
 * table. Only answers that arrived count as told; a call whose answer was lost may have changed the
 * manager or not, so it only widens what may be found.
 */
import type { Names } from './people.ts';

export type ToldManager = {
  readonly id: string;
  /** The newest version that an answer named; 0 when no answer arrived. */
  readonly version: bigint;
  /** The names that came with it. */
  readonly names: Names;
  /** Changes that callers were told of, the registration included. */
  readonly acknowledged: number;
  /** Calls without an answer: each may have made one more version. */
  readonly unknown: number;
};

const NOTHING: Omit<ToldManager, 'id'> = {
  version: 0n,
  names: { firstName: '', lastName: '' },
  acknowledged: 0,
  unknown: 0,
};

export class Told {
  readonly #managers = new Map<string, ToldManager>();
  /** Registered ones in the order of their answers, to choose from. */
  readonly #ids: string[] = [];
  #acknowledged = 0;

  /** An answer named this version and these names. */
  acknowledge(id: string, version: bigint, names: Names): void {
    const known = this.#of(id);
    this.#acknowledged += 1;
    if (known.version === 0n) this.#ids.push(id);
    const newest = version > known.version ? { version, names } : {};
    this.#managers.set(id, { ...known, ...newest, acknowledged: known.acknowledged + 1 });
  }

  /** The call's outcome is unknown: it may have changed the manager once. */
  loseAnswer(id: string): void {
    const known = this.#of(id);
    this.#managers.set(id, { ...known, unknown: known.unknown + 1 });
  }

  /** Managers that callers know to be registered. */
  get count(): number {
    return this.#ids.length;
  }

  /** All changes that callers were told of. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Registered ones in the order of registering. `at` from 0 to `count - 1`. */
  idAt(at: number): string | undefined {
    return this.#ids[at];
  }

  managers(): ToldManager[] {
    return [...this.#managers.values()];
  }

  #of(id: string): ToldManager {
    return this.#managers.get(id) ?? { id, ...NOTHING };
  }
}
