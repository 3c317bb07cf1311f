/**
 * Rolling releases, as a deployment would do them: services start as builds that know only the older
 * contract version of a link, and are restarted, one process of each after another, when a migration
 * waits for the next release.
 */
import type { Program } from '../dev/servers/processes.ts';
import { linkOf } from '../link/link.ts';
import { readsVersion, writesVersion } from '../migration/gates/releases.ts';
import { links } from '../services/links.ts';
import { groupOf, type LinkMove } from './migrations/moves.ts';

/** Two of each, so that one answers while the other restarts. */
const REPLICAS = 2;
const OTHERS = Array.from({ length: REPLICAS - 1 }, (_, at) => at + 1);

interface Release {
  /** `v1/v0`: what a build reads, and what it writes. */
  readonly builds: string;
  readonly services: readonly string[];
}

export class Releases {
  readonly #builds = new Map<string, string>();
  readonly #done = new Set<string>();
  readonly #moves: readonly LinkMove[];
  readonly #processes: (service: string) => readonly Program[];

  constructor(moves: readonly LinkMove[], processes: (service: string) => readonly Program[]) {
    for (const { link, from } of moves)
      for (const id of groupOf(linkOf(links, link), links)) this.#builds.set(id, `${from}/${from}`);
    this.#moves = moves;
    this.#processes = processes;
  }

  /** What the services start as. */
  get env(): Record<string, string> {
    return { RELINK_RELEASE: [...this.#builds].map(([id, builds]) => `${id}=${builds}`).join() };
  }

  /** How many processes of a service it takes to release it without a pause. */
  get replicasOf(): Record<string, number> {
    const services = [...this.#builds.keys()].flatMap((id) => servicesOf(id));
    return Object.fromEntries(services.map((service) => [service, REPLICAS]));
  }

  /** The first process of each service reads the new version: so it is known, and can be moved to. */
  async begin(move: LinkMove): Promise<void> {
    const release = releaseFor(readsVersion.name, move);
    if (release && this.#isReleased(move)) await this.#roll(move, release, [0]);
  }

  /** Releases what a gate of the migration waits for; nothing when that is no release. */
  async answer(move: LinkMove, gate: string): Promise<void> {
    const release = releaseFor(gate, move);
    if (!release || !this.#isReleased(move)) return;
    if (this.#done.has(`${move.link} ${release.builds}`)) return;
    this.#done.add(`${move.link} ${release.builds}`);
    await this.#roll(move, release, gate === readsVersion.name ? OTHERS : [0, ...OTHERS]);
  }

  /** A move of a transport needs no release, nor does one on servers that were given. */
  #isReleased({ link, to }: LinkMove): boolean {
    return this.#moves.some((one) => one.link === link && one.to === to);
  }

  async #roll({ link }: LinkMove, release: Release, instances: readonly number[]): Promise<void> {
    for (const id of groupOf(linkOf(links, link), links)) this.#builds.set(id, release.builds);
    for (const at of instances) {
      const next = release.services.flatMap((service) => this.#processes(service)[at] ?? []);
      await Promise.all(next.map((process) => process.restart(this.env)));
    }
  }
}

function releaseFor(gate: string, { link, from, to }: LinkMove): Release | undefined {
  if (gate === readsVersion.name) return { builds: `${to}/${from}`, services: servicesOf(link) };
  if (gate !== writesVersion.name) return undefined;
  return { builds: `${to}/${to}`, services: [linkOf(links, link).producer] };
}

/** The producer and the consumers of a link. */
function servicesOf(id: string): string[] {
  const { producer, consumers } = linkOf(links, id);
  return [producer, ...Object.keys(consumers)];
}
