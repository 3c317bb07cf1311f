/**
 * Which links the demo moves, in which order and where to: every one that the map allows to move.
 */
import type { LinkDefinition, Transport } from '../../link/link.ts';
import { links } from '../../services/links.ts';

/** A move of one link from a transport to another. */
export interface LinkMove {
  readonly link: string;
  readonly from: Transport;
  readonly to: Transport;
}

/**
 * Updates move before creations, so that for a while they use another transport and can overtake.
 */
const FIRST = ['COMM-010', 'COMM-021', 'COMM-020'];

/** Every link that may use another transport than its starting one. */
export const DEMO_MOVES: readonly LinkMove[] = Object.values(links)
  .toSorted((a, b) => rankOf(a) - rankOf(b))
  .flatMap(({ id, starts, transports }) => {
    const to = transports.find((one) => one !== starts.transport);
    return to ? [{ link: id, from: starts.transport, to }] : [];
  });

function rankOf({ id }: LinkDefinition): number {
  const at = FIRST.indexOf(id);
  return at < 0 ? FIRST.length : at;
}

/** All moves, then all of them back in reverse order. */
export function thereAndBack(moves: readonly LinkMove[]): LinkMove[] {
  const back = moves.map(({ link, from, to }) => ({ link, from: to, to: from }));
  return [...moves, ...back.reverse()];
}

/** Reverses the move of a link that is on its target already. */
export function reverseIfAlreadyThere(move: LinkMove, transports: ReadonlySet<string>): LinkMove {
  const isThere = transports.size === 1 && transports.has(move.to);
  return isThere ? { link: move.link, from: move.to, to: move.from } : move;
}
