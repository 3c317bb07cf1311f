/** Links that replicate the same rows, so that their contract versions move together. */
import { LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import type { DescribedLink, Topology } from '../participants.ts';

/** Other formal links of the same entity, from the same producer to the same consumers. */
export function siblingsOf({ links }: Topology, id: string, version: number): DescribedLink[] {
  const { producer: named } = links.get(id)!;
  if (named.kind !== LinkKind.FORMAL || named.entity === '') return [];
  return [...links.values()]
    .filter(
      ({ producer }) =>
        producer.id !== id &&
        producer.kind === LinkKind.FORMAL &&
        producer.entity === named.entity &&
        producer.producer === named.producer &&
        isSame(producer.consumers, named.consumers) &&
        producer.events.some(({ versions }) => versions.includes(version)),
    )
    .sort((a, b) => (a.producer.id < b.producer.id ? -1 : 1));
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.toSorted().join() === others.toSorted().join();
}
