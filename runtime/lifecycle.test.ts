import assert from 'node:assert/strict';
import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import { childEnvironment } from './environment.ts';
import { type Agent, startAgents, stopAgents } from './lifecycle.ts';
import { silentLog } from './log.ts';
import { until } from './testing.ts';

function recorded(calls: string[], name: string, overrides: Partial<Agent> = {}): Agent {
  const start = () => void calls.push(`start ${name}`);
  const stop = () => void calls.push(`stop ${name}`);
  return { name, start, stop, ...overrides };
}

test('agents start in order and stop in reverse', async () => {
  const calls: string[] = [];
  const agents = [recorded(calls, 'a'), recorded(calls, 'b')];
  await startAgents(agents, silentLog);
  await stopAgents(agents, silentLog);
  assert.deepEqual(calls, ['start a', 'start b', 'stop b', 'stop a']);
});

test('when an agent does not start, those before it are stopped and every error is kept', async () => {
  const calls: string[] = [];
  const fail = (text: string) => () => {
    throw new Error(text);
  };
  const agents = [
    recorded(calls, 'a', { stop: fail('a hangs') }),
    recorded(calls, 'b', { start: fail('port taken') }),
    recorded(calls, 'c'),
  ];
  await assert.rejects(startAgents(agents, silentLog), (error) => {
    assert.ok(error instanceof AggregateError);
    const messages = error.errors.map((one: Error) => (one.cause as Error).message);
    assert.deepEqual(messages, ['port taken', 'a hangs']);
    return true;
  });
  assert.deepEqual(calls, ['start a', 'stop b']);
});

test('an agent that hangs does not prevent the others from stopping', async () => {
  const calls: string[] = [];
  const hangs = recorded(calls, 'b', { stop: () => new Promise<void>(() => undefined) });
  const agents = [recorded(calls, 'a'), hangs, recorded(calls, 'c')];
  await assert.rejects(stopAgents(agents, silentLog, 20), /1 agents did not stop/);
  assert.deepEqual(calls, ['stop c', 'stop a']);
});

interface AgentSource {
  start?: string;
  stop?: string;
}

function sourceOf({ start = '', stop = '' }: AgentSource): string {
  return `{ name: 'agent', start() { ${start} }, stop() { ${stop} } }`;
}

function runChild(...agents: AgentSource[]) {
  // As in a terminal, also where nohup runs the tests.
  return spawnChild({ env: childEnvironment({ _: undefined }) }, ...agents);
}

function spawnChild(options: SpawnOptions, ...agents: AgentSource[]) {
  const at = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `
    import { createLog } from ${at('./log.ts')};
    import { runProcess } from ${at('./lifecycle.ts')};
    const alive = setInterval(() => {}, 1000);
    const agents = [${agents.map(sourceOf).join()}];
    await runProcess({ name: 'child', log: createLog({ service: 'child' }), agents });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], options);
  let output = '';
  child.stdout!.on('data', (chunk) => {
    output += chunk;
  });
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  return {
    child,
    ended,
    output: () => output,
    says: (text: string) => until(text, () => output.includes(text)),
  };
}

test('SIGTERM stops a process cleanly with exit code 0', async () => {
  const { child, ended, says } = runChild({ stop: 'clearInterval(alive)' });
  await says('"msg":"ready"');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  await says('"msg":"stopped"');
});

test('a second signal ends a process that hangs while stopping', async () => {
  const { child, ended, says } = runChild({ stop: 'return new Promise(() => {})' });
  await says('"msg":"ready"');
  child.kill('SIGINT');
  await says('a second signal ends at once');
  // Not the echo of the first, as from a terminal and npm.
  await until('it ends', () => !child.kill('SIGINT') || child.exitCode !== null);
  assert.deepEqual(await ended, [130, null]);
});

test('Ctrl-C that arrives twice, from the terminal and from npm, stops a process cleanly', async () => {
  const stop = 'clearInterval(alive); return new Promise((go) => setTimeout(go, 50))';
  const { child, ended, says } = runChild({ stop });
  await says('"msg":"ready"');
  child.kill('SIGINT');
  child.kill('SIGINT');
  assert.deepEqual(await ended, [0, null]);
});

test('SIGHUP stops a process cleanly', async () => {
  const { child, ended, says } = runChild({ stop: 'clearInterval(alive)' });
  await says('"msg":"ready"');
  child.kill('SIGHUP');
  assert.deepEqual(await ended, [0, null]);
});

for (const [sign, options] of [
  ['the command of its shell', { env: childEnvironment({ _: '/usr/bin/nohup' }) }],
  ['an input that cannot be read', { stdio: [openSync('/dev/null', 'w'), 'pipe', 'pipe'] }],
] as [string, SpawnOptions][]) {
  const skip = sign.startsWith('an input') && process.platform !== 'linux' && 'only on Linux';
  test(`SIGHUP does not end a process under nohup, known by ${sign}`, { skip }, async () => {
    const { child, ended, output, says } = spawnChild(options, { stop: 'clearInterval(alive)' });
    await says('"msg":"ready"');
    child.kill('SIGHUP');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    assert.match(output(), /"signal":"SIGTERM"/);
  });
}

test('an unhandled rejection is logged and ends the process with exit code 1', async () => {
  const start = 'setTimeout(() => Promise.reject(new Error("lost")), 10)';
  const { ended, says } = runChild({ start, stop: 'clearInterval(alive)' });
  assert.deepEqual(await ended, [1, null]);
  await says('"message":"lost"');
});

test('a process that does not run yet ends on SIGTERM by itself, as the first of a container must', async () => {
  const module = JSON.stringify(new URL('./lifecycle.ts', import.meta.url).href);
  const script = `
    import { startOrExplain } from ${module};
    await startOrExplain('child', () => new Promise(() => setInterval(() => console.log('waits'), 10)));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  // Not by the signal, which the kernel keeps from a first process that has no handler.
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('SIGTERM ends a process whose agent is still starting', async () => {
  const start = 'process.stdout.write("starting"); return new Promise(() => {})';
  const { child, ended, says } = runChild({ start, stop: 'clearInterval(alive)' });
  await says('starting');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});

test('SIGTERM while an agent starts prevents those after it from starting', async () => {
  const slow = {
    start: 'process.stdout.write("starting"); return new Promise((go) => { this.go = go; })',
    stop: 'this.go(); return new Promise(setImmediate)',
  };
  const { child, ended, output, says } = runChild(slow, { start: 'process.stdout.write("late")' });
  await says('starting');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  await says('"msg":"stopped"');
  assert.doesNotMatch(output(), /late|"msg":"ready"/);
});
