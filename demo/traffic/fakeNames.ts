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

export interface Names {
  readonly firstName: string;
  readonly lastName: string;
}

/** A random name; its number tells the versions of one manager apart. */
export function inventNames(): Names {
  const number = Math.floor(Math.random() * 1_000_000);
  return { firstName: pick(FIRST_NAMES), lastName: `${pick(LAST_NAMES)} ${number}` };
}

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T;
}
