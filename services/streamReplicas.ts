/** What the broker of a deployment has: the map of links is the same on one node and on three. */
import type { LinkMap } from 'relink';

type Replicas = 1 | 2 | 3 | 4 | 5;

/** The map with streams of at least so many replicas; 0 leaves what the links say. */
export function demandReplicas<Links extends LinkMap>(links: Links, atLeast: number): Links {
  const demanding = Object.entries(links).map(([id, link]) => {
    const replicas = Math.max(atLeast, link.stream?.replicas ?? 0) as Replicas | 0;
    return [id, replicas ? { ...link, stream: { ...link.stream, replicas } } : link];
  });
  return Object.fromEntries(demanding);
}
