/**
 * The two-version rule as gates: every live process reads a contract version before any writes it.
 * What a build reads and writes it says of itself (`Describe`), so each replica is asked.
 */
import type { EventDescription, LinkDescription } from '../../gen/relink/v1/participant_pb.ts';
import type { DescribedReplica } from '../participants.ts';
import type { ClosingContext, ClosingMeasure, Reading } from '../plan.ts';
import type { RunRecord } from '../run/record.ts';

/** Every live process of the producer and the consumers reads the version of the new route. */
export const readsVersion = readers(({ producer, consumers }) => [producer, ...consumers]);

/** The same of one side: where the business releases one after the other. */
export const ownerReadsVersion = readers(({ producer }) => [producer]);
export const consumersReadVersion = readers(({ consumers }) => consumers);

function readers(servicesOf: (run: RunRecord) => readonly string[]): ClosingMeasure {
  return {
    name: 'builds that read the version',
    unanswered: 'inconclusive',
    read: (context) =>
      judgeServices(context, servicesOf(context.run), (event, name) =>
        event?.versions.includes(context.run.to.version) ? '' : `does not read ${name}`,
      ),
  };
}

/** Every live process of the producer writes the version of the new route. */
export const writesVersion: ClosingMeasure = {
  name: 'builds that write the version',
  unanswered: 'inconclusive',
  read: async (context) =>
    judgeServices(context, [context.run.producer], (event, name) => {
      const written = event?.writtenVersion ?? 0;
      return written >= context.run.to.version ? '' : `writes ${name} v${written}`;
    }),
};

/** What a process says of an event that is in the version of the new route; empty when all is well. */
type Judge = (event: EventDescription | undefined, name: string) => string;

async function judgeServices(
  { run, participants }: ClosingContext,
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
  const names = eventsIn(links, run.to.version);
  return services.map((service): Reading => {
    const each = replicas.get(service)!;
    const problems = each.flatMap((replica) => findProblems(replica, run.link, names, judge));
    if (names.length === 0) problems.push('no process knows it of any event');
    return {
      what: `processes of ${service} that are ready for v${run.to.version}`,
      verdict: problems.length === 0 ? 'pass' : 'wait',
      value: problems.join('; ') || `${each.length} of ${each.length}`,
      threshold: 'all',
    };
  });
}

function findProblems(
  replica: DescribedReplica,
  link: string,
  names: readonly string[],
  judge: Judge,
): string[] {
  const { address, description } = replica;
  if (!description) return [`${address} does not answer`];
  const events = linkOf(replica, link)?.events ?? [];
  const found = names.map((name) =>
    judge(
      events.find((one) => one.name === name),
      name,
    ),
  );
  return found.filter((problem) => problem !== '').map((problem) => `${address} ${problem}`);
}

function linkOf({ description }: DescribedReplica, id: string): LinkDescription | undefined {
  const links = [...(description?.produces ?? []), ...(description?.consumes ?? [])];
  return links.find((one) => one.id === id);
}

/** Names of the events that any live build has in this version. */
function eventsIn(links: readonly LinkDescription[], version: number): string[] {
  const events = links.flatMap((link) => link.events);
  const inVersion = events.filter(({ versions }) => versions.includes(version));
  return [...new Set(inVersion.map(({ name }) => name))];
}
