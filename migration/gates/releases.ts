/**
 * The two-version rule as gates: every live process reads a contract version before any writes it.
 * What a build reads and writes it says of itself (`Describe`), so each replica is asked.
 */
import type { EventDescription, LinkDescription } from '../../gen/relink/v1/participant_pb.ts';
import type { DescribedReplica } from '../participants.ts';
import type { Measure, Reading, StepContext } from '../plan.ts';

/** Every live process of the producer and the consumers reads the version of the new route. */
export const readsVersion: Measure = {
  name: 'builds that read the version',
  unanswered: 'inconclusive',
  read: async (context) => {
    const { producer, consumers } = context.run;
    return judgeServices(context, [producer, ...consumers], (link, known) => {
      const missing = known.filter((event) => !versionsOf(link, event).includes(known.version));
      return missing.map((event) => `reads ${event} ${list(versionsOf(link, event))} only`);
    });
  },
};

/** Every live process of the producer writes the version of the new route. */
export const writesVersion: Measure = {
  name: 'builds that write the version',
  unanswered: 'inconclusive',
  read: async (context) =>
    judgeServices(context, [context.run.producer], (link, known) =>
      known.flatMap((event) => {
        const written = eventOf(link, event)?.writtenVersion ?? 0;
        return written < known.version ? `writes ${event} v${written}` : [];
      }),
    ),
};

/** The events that are in the version of the new route in any live build. */
type Known = readonly string[] & { readonly version: number };

type Judge = (link: LinkDescription | undefined, known: Known) => readonly string[];

async function judgeServices(
  { run, participants }: StepContext,
  services: readonly string[],
  judge: Judge,
): Promise<Reading[]> {
  const all = [run.producer, ...run.consumers];
  const replicas = new Map(
    await Promise.all(
      all.map(async (service) => [service, await participants.replicas(service)] as const),
    ),
  );
  const links = [...replicas.values()].flat().flatMap((one) => linkOf(one, run.link) ?? []);
  const known = knownEvents(links, run.to.version);
  return services.map((service) =>
    judgeService(service, replicas.get(service)!, run.link, { judge, known }),
  );
}

function judgeService(
  service: string,
  replicas: readonly DescribedReplica[],
  link: string,
  { judge, known }: { judge: Judge; known: Known },
): Reading {
  const problems = replicas.flatMap((replica) => {
    const { address, description } = replica;
    if (!description) return [`${address} does not answer`];
    return judge(linkOf(replica, link), known).map((one) => `${address} ${one}`);
  });
  if (known.length === 0) problems.push(`no process knows v${known.version} of any event`);
  return {
    what: `processes of ${service} that are ready for v${known.version}`,
    verdict: problems.length === 0 ? 'pass' : 'wait',
    value: problems.join('; ') || `${replicas.length} of ${replicas.length}`,
    threshold: 'all',
  };
}

function linkOf({ description }: DescribedReplica, id: string): LinkDescription | undefined {
  const links = [...(description?.produces ?? []), ...(description?.consumes ?? [])];
  return links.find((one) => one.id === id);
}

function knownEvents(links: readonly LinkDescription[], version: number): Known {
  const events = links.flatMap((one) =>
    one.events.filter((event) => event.versions.includes(version)),
  );
  return Object.assign([...new Set(events.map(({ name }) => name))], { version });
}

function eventOf(link: LinkDescription | undefined, name: string): EventDescription | undefined {
  return link?.events.find((one) => one.name === name);
}

function versionsOf(link: LinkDescription | undefined, event: string): readonly number[] {
  return eventOf(link, event)?.versions ?? [];
}

function list(versions: readonly number[]): string {
  return versions.map((version) => `v${version}`).join(', ') || 'in no version';
}
