/**
 * CPU time an event, by process, from the operating system's accounts. It hardly depends on what
 * else the machine does, so it compares runs of different days, which rates do not.
 */
import { readdir, readFile } from 'node:fs/promises';
import { median } from './measure.ts';

/** Clock ticks per second in /proc; fixed for programs on every architecture of Linux. */
const TICKS = 100;
const MICROS_PER_TICK = 1_000_000 / TICKS;

/** A process whose CPU time counts: microseconds used so far, its children included. */
export type CpuAccount = () => Promise<number>;

/** Microseconds an event, by process. */
export type CpuPerEvent = Readonly<Record<string, number>>;

/** This process, all threads. */
export const ownCpu: CpuAccount = async () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** A process with what it started, also what has ended since; undefined where there is no /proc. */
export async function cpuOf(pid: number | undefined): Promise<CpuAccount | undefined> {
  if (pid === undefined || !(await readStat(pid))) return undefined;
  return async () => {
    const stats = await readStats();
    const ticks = stats.map((stat) => ticksOf(stat, pid));
    return ticks.reduce((sum, one) => sum + one, 0) * MICROS_PER_TICK;
  };
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly own: number;
  /** Of children that have ended and were waited for. */
  readonly ended: number;
}

function ticksOf({ pid, parent, own, ended }: Stat, root: number): number {
  if (pid === root) return own + ended;
  return parent === root ? own : 0;
}

async function readStats(): Promise<Stat[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const stats = await Promise.all(pids.map(readStat));
  return stats.filter((stat) => stat !== undefined);
}

/** See proc(5): fields 14 to 17 are utime, stime, cutime and cstime. */
async function readStat(pid: number): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (!text) return undefined;
  // The name, in brackets, may contain spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return { pid, parent: Number(fields[1]), own: utime + stime, ended: cutime + cstime };
}

/** Gathers the accounts of several rounds. */
export class CpuMeter {
  readonly #accounts: readonly (readonly [string, CpuAccount])[];
  readonly #rounds: CpuPerEvent[] = [];

  /** Accounts that this machine does not keep are left out. */
  constructor(accounts: Readonly<Record<string, CpuAccount | undefined>>) {
    this.#accounts = Object.entries(accounts).filter(
      (entry): entry is [string, CpuAccount] => entry[1] !== undefined,
    );
  }

  /** Notes what `work`, over `count` events, takes. */
  async measure<T>(count: number, work: () => Promise<T>): Promise<T> {
    const before = await this.#read();
    const result = await work();
    const after = await this.#read();
    this.#rounds.push(
      Object.fromEntries(
        this.#accounts.map(([name], i) => [name, (after[i]! - before[i]!) / count]),
      ),
    );
    return result;
  }

  /** The median of each process over all rounds but the first, which is the warm-up. */
  medians(): CpuPerEvent {
    const rounds = this.#rounds.slice(1);
    return Object.fromEntries(
      this.#accounts.map(([name]) => [name, median(rounds.map((round) => round[name]!))]),
    );
  }

  #read(): Promise<number[]> {
    return Promise.all(this.#accounts.map(([, read]) => read()));
  }
}
