/** The memory of other processes, from the operating system's accounts. */
import { readFile } from 'node:fs/promises';
import { type Repeater, repeat } from '../runtime/wake.ts';

const LOOK_EVERY_MS = 200;
const KB_PER_MB = 1_024;

/** Resident memory now, in MB; 0 when the process has ended, or nobody accounts for it. */
async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(status) ?? [];
  return Number(kilobytes) / KB_PER_MB;
}

/** Looks at the memory of processes again and again, until it is stopped. */
export class MemoryWatch {
  readonly #repeater: Repeater;
  #most = 0;

  constructor(...pids: number[]) {
    const look = async () => {
      this.#most = Math.max(this.#most, ...(await Promise.all(pids.map(memoryOf))));
    };
    this.#repeater = repeat(LOOK_EVERY_MS, look, () => undefined);
  }

  /** The most that one of them took since the last time, in MB. */
  take(): number {
    const most = this.#most;
    this.#most = 0;
    return most;
  }

  stop(): Promise<void> {
    return this.#repeater.stop();
  }
}
