/** Which links the demo moves, in which order, and where to: all that the map lets move. */
import type { LinkDefinition, Transport } from '../../link/link.ts';
import { links } from '../../services/links.ts';

/** A link, where it starts, and the other transport that it is moved to. */
export type LinkMove = { readonly link: string; readonly from: Transport; readonly to: Transport };

/** Updates move before creations, so that for a while they overtake these on another transport. */
const FIRST = ['COMM-010', 'COMM-021', 'COMM-020'];

/** Every link that may go by another transport than it starts with. */
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

/** One migration after another: all there, then all back in reverse order. */
export function thereAndBack(moves: readonly LinkMove[]): LinkMove[] {
  const back = moves.map(({ link, from, to }) => ({ link, from: to, to: from }));
  return [...moves, ...back.reverse()];
}

/** The same the other way round for a link that somebody left on its goal. */
export function fromWhereItIs(move: LinkMove, transports: ReadonlySet<string>): LinkMove {
  const isThere = transports.size === 1 && transports.has(move.to);
  return isThere ? { link: move.link, from: move.to, to: move.from } : move;
}
