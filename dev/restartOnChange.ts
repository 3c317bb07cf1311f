/**
 * Watch mode: restarts a process when a file that it loads changes. It polls the files' times,
 * because file system events get lost with editors that save by renaming, in containers and on
 * shared folders; polling some 300 files takes a few milliseconds.
 */

import { stat } from 'node:fs/promises';
import { messageOf } from '../runtime/errors.ts';
import { type Repeater, repeat } from '../runtime/wake.ts';
import type { Program } from './servers/processes.ts';
import { shownPath, sourcesOf } from './sources.ts';

/** Short enough that a restart is visible when one looks at the terminal after saving. */
const LOOK_EVERY_MS = 400;
/** File names printed in one line: switching a branch changes hundreds. */
const NAMED_FILES = 3;

export interface RestartingOptions {
  readonly programs: readonly Program[];
  /** Folder of the project. */
  readonly root: string;
  readonly say: (line: string) => void;
  readonly lookEveryMs?: number;
}

/** Size and time of last change, by path. */
type Stamps = ReadonlyMap<string, string>;

/** Restarts programs until `stop()`, which waits for a restart in progress. */
export async function restartOnChange(options: RestartingOptions): Promise<Repeater> {
  const { programs, root, say, lookEveryMs = LOOK_EVERY_MS } = options;
  let sources = new Map(programs.map((program) => [program, sourcesOf(program.main, root)]));
  let known = await readStamps(sources.values());
  const changed = new Set<string>();

  const look = async () => {
    const now = await readStamps(sources.values());
    const fresh = differing(known, now);
    known = now;
    for (const path of fresh) changed.add(path);
    // While files are still changing, as in a checkout, a process would start on half of them.
    if (changed.size === 0 || fresh.length > 0) return;
    const affected = programs.filter((one) =>
      [...changed].some((path) => sources.get(one)?.has(path)),
    );
    say(`${describePaths([...changed], root)} changed`);
    changed.clear();
    // From here on changes count again, even while the processes restart.
    sources = new Map(programs.map((program) => [program, sourcesOf(program.main, root)]));
    known = new Map([...(await readStamps(sources.values())), ...known]);
    await restartAll(affected, say);
  };
  return repeat(lookEveryMs, look, (error) => say(String(error)));
}

/** Services in parallel, but the processes of one service one at a time, so that another serves. */
async function restartAll(programs: readonly Program[], say: (line: string) => void) {
  const byMain = Map.groupBy(programs, ({ main }) => main);
  const restarts = [...byMain.values()].map(async (replicas) => {
    for (const program of replicas) await restart(program, say);
  });
  await Promise.all(restarts);
}

async function restart(program: Program, say: (line: string) => void): Promise<void> {
  try {
    await program.restart();
    say(`${program.name} is running again`);
  } catch (error) {
    say(`${messageOf(error)}\n${program.name} restarts at the next change`);
  }
}

async function readStamps(sources: Iterable<ReadonlySet<string>>): Promise<Stamps> {
  const paths = [...new Set([...sources].flatMap((some) => [...some]))];
  const stamps = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs, size }) => `${mtimeMs} ${size}`,
        () => 'gone',
      ),
    ),
  );
  return new Map(paths.map((path, at) => [path, stamps[at]!]));
}

function differing(before: Stamps, now: Stamps): string[] {
  return [...now].flatMap(([path, stamp]) => (before.get(path) === stamp ? [] : [path]));
}

function describePaths(paths: readonly string[], root: string): string {
  const named = paths.slice(0, NAMED_FILES).map((path) => shownPath(path, root));
  const more = paths.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
