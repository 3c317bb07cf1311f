/**
 * No child may outlive this process, even when it is killed with SIGKILL and cannot clean up.
 *
 * One small shell per parent process holds the reading end of a pipe. The parent tells it which
 * processes run (`+ pid signal name`) and which ended (`- pid`). When the pipe closes, because the
 * parent ended in any way, the shell stops what is left: the given signal first, SIGKILL after ten
 * seconds. It is a shell and not Node because that costs 1 ms and 1 MB. It has its own session, so
 * that Ctrl-C and a kill of our process group do not reach it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { cleanEnvironment, readDevEnvironment } from '../environment.ts';

interface Watched {
  name: string;
  signal: NodeJS.Signals;
}

const GUARD_SCRIPT = join(import.meta.dirname, 'guard.sh');

const watched = new Map<number, Watched>();
let guard: ChildProcess | undefined;

/** Has the guard stop `pid` with `signal` if we end before `unwatch(pid)`. */
export function watch(pid: number, name: string, signal: NodeJS.Signals): void {
  const entry = { name: name.replaceAll(/[\s:]/g, '_'), signal };
  watched.set(pid, entry);
  if (guard) tellGuard(addLine(pid, entry));
  else guard = startGuard();
}

/** Tells the guard that `pid` ended. */
export function unwatch(pid: number): void {
  if (watched.delete(pid)) tellGuard(`- ${pid}\n`);
}

function addLine(pid: number, { name, signal }: Watched): string {
  return `+ ${pid} ${signal.replace('SIG', '')} ${name}\n`;
}

function tellGuard(line: string): void {
  guard?.stdin?.write(line);
}

function startGuard(): ChildProcess {
  const { testLeftovers } = readDevEnvironment();
  const shell = spawn('/bin/sh', [GUARD_SCRIPT, testLeftovers ?? ''], {
    cwd: '/',
    detached: true,
    env: cleanEnvironment({}),
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // A guard that was killed is replaced when the next process starts; until then writes may fail.
  shell.stdin?.on('error', () => undefined);
  shell.on('error', () => undefined);
  shell.on('exit', () => {
    if (guard === shell) guard = undefined;
  });
  shell.unref();
  (shell.stdin as { unref?: () => void } | null)?.unref?.();
  for (const [pid, entry] of watched) shell.stdin?.write(addLine(pid, entry));
  return shell;
}
