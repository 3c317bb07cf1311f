/** Randomness that a printed seed brings back. */

export interface Random {
  /** 0 ≤ x < 1 */
  next(): number;
  below(limit: number): number;
  chance(share: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** At least one of `from`, at most `atMost`, without repetition. */
  some<T>(from: readonly T[], atMost: number): T[];
}

/** mulberry32: small, and good enough to choose victims. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    chance: (share) => next() < share,
    pick: (from) => from[below(from.length)]!,
    some: (from, atMost) => {
      const rest = [...from];
      const count = 1 + below(Math.min(atMost, rest.length));
      return Array.from({ length: count }, () => rest.splice(below(rest.length), 1)[0]!);
    },
  };
}

/** The seed of this run: given for a repetition, else fresh. */
export function seedOf(given: string | undefined): number {
  return given ? Number(given) : Math.floor(Math.random() * 2 ** 31);
}
