/** Links that replicate the same rows, so that their contract versions move together. */
import { type LinkDescription, LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import type { DescribedLink, Participants, Topology } from '../participants.ts';

/** Other formal links of the same entity, from the same producer to the same consumers. */
export async function siblingsOf(
  participants: Participants,
  { links }: Topology,
  id: string,
  version: number,
): Promise<DescribedLink[]> {
  const { producer: named } = links.get(id)!;
  const others = [...links.values()].filter(({ producer }) => isSibling(producer, named));
  const newest = await Promise.all(others.map((one) => asNewestBuildSays(participants, one)));
  return newest
    .filter(({ producer }) => versionsOf(producer).includes(version))
    .sort((a, b) => (a.producer.id < b.producer.id ? -1 : 1));
}

function isSibling(one: LinkDescription, named: LinkDescription): boolean {
  const isFormal = [one, named].every(({ kind }) => kind === LinkKind.FORMAL);
  const isOther = one.id !== named.id && one.producer === named.producer;
  const isEqual = one.entity === named.entity && isSame(one.consumers, named.consumers);
  return isFormal && isOther && isEqual && named.entity !== '';
}

/** An older build may run beside, and does not know of newer versions. */
export async function asNewestBuildSays(
  participants: Participants,
  link: DescribedLink,
): Promise<DescribedLink> {
  const { id, producer } = link.producer;
  const replicas = await participants.replicas(producer, { retryUnavailable: true });
  const told = replicas.flatMap(({ description }) => description?.produces ?? []);
  const newest = told
    .filter((one) => one.id === id)
    .toSorted((a, b) => Math.max(...versionsOf(b)) - Math.max(...versionsOf(a)))[0];
  return newest ? { ...link, producer: newest } : link;
}

function versionsOf({ events }: LinkDescription): number[] {
  return [0, ...events.flatMap(({ versions }) => versions)];
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.toSorted().join() === others.toSorted().join();
}
