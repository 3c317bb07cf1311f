/** Names for the managers and candidates of the traffic. */

// biome-ignore format: a list of words
const FIRST_NAMES = [
  'Ada', 'Alan', 'Barbara', 'Edsger', 'Emmy', 'Euler', 'Frances', 'Grace', 'Hedy', 'Joan',
  'Katherine', 'Kurt', 'Leslie', 'Margaret', 'Niklaus', 'Radia', 'Shafi', 'Sophie', 'Tony', 'Zoë',
] as const;
// biome-ignore format: a list of words
const LAST_NAMES = [
  'Allen', 'Clarke', 'Dijkstra', 'Germain', 'Goldwasser', 'Gödel', 'Hamilton', 'Hoare', 'Hopper',
  'Johnson', 'Kovalevskaya', 'Lamarr', 'Lamport', 'Liskov', 'Lovelace', 'Noether', 'Perlman',
  'Turing', 'Wirth', 'O’Neill',
] as const;

export const MOST_NUMBERS = 1_000_000;

export interface Names {
  readonly firstName: string;
  readonly lastName: string;
}

/**
 * A random name; its number tells the versions of one manager apart. Numbers above `least` are for
 * other people, whose names must not be mistaken for those of managers.
 */
export function inventNames(least = 0): Names {
  const number = least + Math.floor(Math.random() * MOST_NUMBERS);
  return { firstName: pick(FIRST_NAMES), lastName: `${pick(LAST_NAMES)} ${number}` };
}

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T;
}
