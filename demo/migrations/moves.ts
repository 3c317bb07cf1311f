/**
 * Which links the demo moves, in which order and where to: every one that the map allows to move, to
 * another transport and back, and then to its newest contract version.
 */
import type { LinkDefinition, LinkMap } from '../../link/link.ts';
import { versionsOf } from '../../link/versions.ts';
import { links } from '../../services/links.ts';

/** A move of one link from a transport to another, or from a contract version to another. */
export interface LinkMove {
  readonly link: string;
  /** `sync`, or `v0` */
  readonly from: string;
  readonly to: string;
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

/**
 * The moves to the newest contract version. Links that replicate one entity move together, by the
 * name of the first.
 */
export const VERSION_MOVES: readonly LinkMove[] = versionMoves(links);

function versionMoves(map: LinkMap): LinkMove[] {
  const movable = Object.values(map).filter(
    (link) => versionsOf(link).at(-1)! > versionsOf(link)[0]!,
  );
  const leading = movable.filter((link) => groupOf(link, map)[0] === link.id);
  return leading.map((link) => {
    const versions = versionsOf(link);
    return { link: link.id, from: `v${link.starts.version}`, to: `v${versions.at(-1)}` };
  });
}

/** The links that change their contract version together with this one, itself among them. */
export function groupOf({ id, entity, producer }: LinkDefinition, map: LinkMap): string[] {
  if (entity === undefined) return [id];
  const same = Object.values(map).filter(
    (one) => one.entity === entity && one.producer === producer,
  );
  return same.map((one) => one.id);
}

export interface ChosenMoves {
  readonly moves: readonly LinkMove[];
  readonly versionMoves: readonly LinkMove[];
}

/** In their order: transports there and back, then contract versions, from which nothing goes back. */
export function allMoves({ moves, versionMoves }: ChosenMoves): LinkMove[] {
  return [...thereAndBack(moves), ...versionMoves];
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
