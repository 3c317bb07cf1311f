/** Real service processes of a company's link, so that they can be killed and frozen by signals. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../../../dev/ports.ts';
import { cleanUpAll } from '../../../dev/servers/errors.ts';
import { makeRunDir, PROJECT_DIR } from '../../../dev/servers/folders.ts';
import { type Program, startProgram, stopAtOnce } from '../../../dev/servers/processes.ts';
import { SERVICES } from '../../../dev/services.ts';
import { splitAddress } from '../../../runtime/address.ts';
import { formatPeers } from '../../../runtime/config.ts';
import type { Owner } from '../../harness/owner.ts';
import type { InProcessCompany } from '../inProcess/company.ts';

/** Port 1 belongs to nobody: a link that nobody uses here must only have an address. */
const NOBODY = '127.0.0.1:1';
/** Above the service's own limit, also when all of them stop at once: none is killed for being slow. */
const STOP_LIMIT_MS = 60_000;

export interface FleetOptions {
  /** Processes of each service that runs in the fleet. */
  readonly replicas: Readonly<Record<string, number>>;
  /** Further settings, by service. */
  readonly env?: Readonly<Record<string, Record<string, string>>>;
}

export class Fleet {
  readonly #company: InProcessCompany;
  readonly #dir: string;
  /** gRPC ports of each service in the fleet. */
  readonly #ports = new Map<string, number[]>();
  readonly programs = new Map<string, Program>();
  readonly #frozen = new Set<string>();
  /** The settings of each, which the next start reads again. */
  readonly #env = new Map<string, Record<string, string>>();

  private constructor(company: InProcessCompany, dir: string) {
    this.#company = company;
    this.#dir = dir;
  }

  /** Starts all of them; the company must have been told that these services are elsewhere. */
  static async start(t: Owner, company: InProcessCompany, options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(company, await makeRunDir('test-fleet'));
    t.after(() => fleet.stop());
    for (const [service, count] of Object.entries(options.replicas)) {
      const first = splitAddress(company.addresses.get(service)!)!.port;
      fleet.#ports.set(service, [first, ...(await freePorts(count - 1))]);
    }
    const starts = [...fleet.#ports].flatMap(([service, ports]) =>
      ports.map((_port, i) => fleet.#startOne(service, i, options.env?.[service] ?? {})),
    );
    await Promise.all(starts);
    return fleet;
  }

  /** Of a process, of a node in this process, or where nobody listens: a service of other links. */
  #addressesOf(service: string): string[] {
    const ports = this.#ports.get(service);
    if (ports) return ports.map((port) => `127.0.0.1:${port}`);
    return [this.#company.addresses.get(service) ?? NOBODY];
  }

  async #startOne(service: string, index: number, env: Record<string, string>): Promise<void> {
    const [httpPort] = await freePorts(1);
    const name = `${service}-${index + 1}`;
    const { databases, nats } = this.#company;
    const peers = SERVICES.map((peer) => [peer.name, this.#addressesOf(peer.name)]);
    const settings: Record<string, string> = {
      RELINK_POSTGRES_URL: databases.get(service)!.url,
      RELINK_NATS_URL: nats.url,
      RELINK_PORT: String(this.#ports.get(service)![index]),
      RELINK_HTTP_PORT: String(httpPort),
      RELINK_INSTANCE: name,
      RELINK_PEERS: formatPeers(Object.fromEntries(peers)),
      RELINK_LOG_LEVEL: 'warn',
      ...env,
    };
    this.#env.set(name, settings);
    const program = await startProgram({
      name,
      main: join(PROJECT_DIR, 'services', service, 'main.ts'),
      env: settings,
      logFile: join(this.#dir, `${name}.log`),
      readyUrl: `http://127.0.0.1:${httpPort}/readyz`,
      stopLimitMs: STOP_LIMIT_MS,
    });
    this.programs.set(name, program);
  }

  /** host:port of every process of each service in the fleet. */
  get addresses(): Record<string, string[]> {
    return Object.fromEntries(
      [...this.#ports.keys()].map((name) => [name, this.#addressesOf(name)]),
    );
  }

  get names(): string[] {
    return [...this.programs.keys()];
  }

  program(name: string): Program {
    return this.programs.get(name)!;
  }

  /** Kills it at once and starts it again under its name. */
  async killAndRestart(name: string): Promise<void> {
    const program = this.program(name);
    this.#frozen.delete(name);
    await program.kill();
    await program.start();
  }

  /** Starts one that has ended again, without one of its settings. */
  async restartWithout(name: string, variable: string): Promise<void> {
    delete this.#env.get(name)![variable];
    await this.program(name).start();
  }

  freeze(name: string): void {
    this.#frozen.add(name);
    this.program(name).signal('SIGSTOP');
  }

  thaw(name: string): void {
    this.#frozen.delete(name);
    this.program(name).signal('SIGCONT');
  }

  isFrozen(name: string): boolean {
    return this.#frozen.has(name);
  }

  async stop(): Promise<void> {
    for (const name of [...this.#frozen]) this.thaw(name);
    // All at once: the servers of the test wait only so long for their clients to leave.
    await cleanUpAll('fleet of the test', [
      () => stopAtOnce([...this.programs.values()]),
      () => rm(this.#dir, { recursive: true, force: true }),
    ]);
  }
}
