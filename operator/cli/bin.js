#!/usr/bin/env node
// Runs the command line with a Node that runs TypeScript: this project's own when the current one
// is older. Plain JavaScript, because any Node from 20 on must be able to read it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isOldNode, oldNodeProblem } from '../../runtime/oldNode.js';

const main = new URL('./main.ts', import.meta.url);

if (!isOldNode) {
  // The main program looks at argv[1] no more than at any other path: it is the same command.
  await import(main.href);
} else {
  const node = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url));
  if (existsSync(node)) runWith(node);
  else {
    process.stderr.write(oldNodeProblem);
    process.exitCode = 1;
  }
}

/** Runs the main program as a child that is as good as us: same streams, signals and exit code. */
function runWith(node) {
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    // A terminal's Ctrl-C reaches the child by itself; sent to us alone it must be passed on.
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    process.stderr.write(`relink could not start ${node}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + constants.signals[signal]);
  });
}
