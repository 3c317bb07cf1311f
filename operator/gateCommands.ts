/**
 * Runs the command that a person named as a gate (`--set gate_command=…`) on the operator's machine,
 * as the operator's user. Anyone who may start a run can thus run anything here, so the operator does
 * it only when it was started with RELINK_GATE_COMMANDS=allow.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import type { CommandEnd, RunCommand } from '../migration/plan.ts';
import { linksOf } from '../migration/run/links.ts';
import type { RunRecord } from '../migration/run/record.ts';
import { readEnvironment } from '../runtime/environment.ts';
import type { Log } from '../runtime/log.ts';

/** Only the end of its output is kept, and one line of that is shown. */
const OUTPUT_KEPT = 4_000; // characters
const LINE_SHOWN = 200; // characters
/** After the command has ended, the rest of its output has this long to arrive. */
const OUTPUT_GRACE_MS = 50;
/** What a command needs to find programs; nothing of the operator's own, such as passwords. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'];

export function createRunCommand(log: Log): RunCommand {
  return async (run, { limitMs, signal }) => {
    const command = run.settings.gate_command;
    const startedMs = performance.now();
    const end = await runShell(command, environmentOf(run), { limitMs, signal });
    const tookMs = Math.round(performance.now() - startedMs);
    const { id, actor } = run;
    log.info({ run: id, actor, exitCode: end.exitCode, tookMs }, 'gate command ran');
    return end;
  };
}

/** Describes the run to the command. */
function environmentOf(run: RunRecord): Record<string, string> {
  const kept = PASSED_ON.flatMap((name) => {
    const value = readEnvironment(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(kept),
    RUN: run.id,
    LINK: run.link,
    LINKS: linksOf(run)
      .map(({ link }) => link)
      .join(','),
    CONSUMERS: run.consumers.join(','),
    FROM: `${run.from.transport} v${run.from.version}`,
    TO: `${run.to.transport} v${run.to.version}`,
  };
}

async function runShell(
  command: string,
  env: Record<string, string>,
  { limitMs, signal }: { limitMs: number; signal: AbortSignal },
): Promise<CommandEnd> {
  // A process group of its own, so that everything the shell started ends with it.
  const child = spawn('/bin/sh', ['-c', command], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = keepEnd(child);
  let isCut = false;
  const cut = () => {
    isCut = true;
    killGroup(child);
  };
  const timer = setTimeout(cut, limitMs);
  signal.addEventListener('abort', cut, { once: true });
  if (signal.aborted) cut();
  const exitCode = await ended(child);
  killGroup(child);
  child.stdout?.destroy();
  child.stderr?.destroy();
  clearTimeout(timer);
  signal.removeEventListener('abort', cut);
  const lastLine = lastLineOf(output());
  return { exitCode: isCut ? undefined : exitCode, lastLine };
}

function ended(child: ChildProcess): Promise<number | undefined> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(undefined));
    // Not 'close': processes that the command left behind may keep its output open for ever.
    child.once('exit', (code) => setTimeout(() => resolve(code ?? undefined), OUTPUT_GRACE_MS));
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // The group has just ended, or its id belongs to another user's process by now.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

function keepEnd(child: ChildProcess): () => string {
  let kept = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      kept = (kept + chunk.toString('utf8')).slice(-OUTPUT_KEPT);
    });
  return () => kept;
}

function lastLineOf(output: string): string {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  return line.trim().slice(0, LINE_SHOWN);
}
