/** Which versions the routes carry, and consumers that could not read them. */
import { carriedVersion } from '../../link/versions.ts';
import type { DescribedLink, Participants } from '../../migration/participants.ts';
import { REPEATABLE } from '../../migration/participants.ts';
import { RpcCallError } from '../../rpc/errors.ts';
import type { Sighting } from './sightings.ts';

/** Processes of consumers that lack a version which a lane of their link carries now. */
export async function findUnread(
  participants: Participants,
  sightings: readonly Sighting[],
  only: string,
): Promise<string[]> {
  const { links } = await participants.topology();
  const legs = [...links.values()]
    .filter(({ producer }) => only === '' || producer.id === only)
    .flatMap((link) => link.producer.consumers.map((consumer) => ({ link, consumer })));
  const all = await Promise.all(
    legs.map(async ({ link, consumer }) => {
      const routes = await readRoutes(participants, link, consumer);
      return unreadIn(
        link,
        routes,
        sightings.filter(({ service }) => service === consumer),
      );
    }),
  );
  return all.flat();
}

function unreadIn(
  { producer: { id, events } }: DescribedLink,
  routes: ReadonlySet<number>,
  consumers: readonly Sighting[],
): string[] {
  const processes = new Set(consumers.map(({ service, instance }) => `${service}/${instance}`));
  const has = (process: string, event: string, version: number) =>
    consumers.some(
      (one) =>
        `${one.service}/${one.instance}` === process &&
        one.side === 'consumer' &&
        one.link === id &&
        one.event === event &&
        one.version === version,
    );
  const carried = events.flatMap(({ name, versions }) => {
    const each = [...routes].map((route) => carriedVersion(versions, route));
    return [...new Set(each)].flatMap((version) =>
      version === undefined ? [] : { name, version },
    );
  });
  return carried.flatMap(({ name, version }) =>
    [...processes]
      .filter((process) => !has(process, name, version))
      .map(
        (process) => `${id}: ${process} does not accept ${name} v${version}, which is sent to it`,
      ),
  );
}

/** None for a producer that does not answer, which is said elsewhere. */
async function readRoutes(
  participants: Participants,
  { producer: { id, producer } }: DescribedLink,
  consumer: string,
): Promise<ReadonlySet<number>> {
  try {
    const request = { link: id, consumer };
    const { lanes } = await participants.of(producer).getRoutes(request, REPEATABLE);
    return new Set(lanes.flatMap(({ version, adoptedVersion }) => [version, adoptedVersion]));
  } catch (error) {
    if (error instanceof RpcCallError && error.outcome === 'unknown') return new Set();
    throw error;
  }
}
