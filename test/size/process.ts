/** The memory of another process. */
import { readFile } from 'node:fs/promises';
import { type Repeater, repeat } from '../../runtime/wake.ts';

const LOOK_EVERY_MS = 250;
const KB = 1024;
const MB = 1024 * KB;

/** Resident memory now, in MB; undefined when the process has ended. */
export async function memoryOf(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(status) ?? [];
  return kilobytes === undefined ? undefined : (Number(kilobytes) * KB) / MB;
}

/** Looks at a process's memory again and again, until it is stopped. */
export class MemoryWatch {
  readonly #repeater: Repeater;
  #most = 0;

  constructor(pid: number) {
    const look = async () => {
      this.#most = Math.max(this.#most, (await memoryOf(pid)) ?? 0);
    };
    this.#repeater = repeat(LOOK_EVERY_MS, look, () => undefined);
  }

  /** The most since the last time, in MB. */
  take(): number {
    const most = this.#most;
    this.#most = 0;
    return most;
  }

  stop(): Promise<void> | void {
    return this.#repeater.stop();
  }
}
