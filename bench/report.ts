/** What a benchmark reports: both sides, the ratio, the goal, and whether it is met. */
import { cpus, totalmem } from 'node:os';
import { styleText } from 'node:util';
import type { CpuPerEvent } from './cpu.ts';
import { median, type Rounds } from './measure.ts';

/** One line of the report; a public interface (`npm run bench -- --json`). */
export interface Ratio {
  readonly name: string;
  /** Medians of both sides, in `unit`. */
  readonly ours: number;
  readonly against: number;
  readonly unit: string;
  /** `ours / against`. */
  readonly ratio: number;
  readonly goal: number;
  /** `at least`: the ratio must reach the goal; `at most`: it must not exceed it. */
  readonly bound: Bound;
  readonly met: boolean;
  readonly note: string;
  /** What our side takes, where it was accounted. */
  readonly cpu?: Cpu;
}

/** CPU time, in microseconds an event. */
export interface Cpu {
  readonly processes: CpuPerEvent;
  readonly total: number;
  readonly goal: number;
  readonly met: boolean;
}

export type Bound = 'at least' | 'at most';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly node: string;
  readonly postgres: string;
  readonly nats: string;
}

export interface Goal {
  readonly name: string;
  readonly unit: string;
  readonly goal: number;
  readonly bound: Bound;
  /** What the two sides are, and what a reader must know to trust the number. */
  readonly note: string;
}

/** The ratio of the medians; the note also gives the spread of the single rounds. */
export function ratioOf(goal: Goal, rounds: Rounds): Ratio {
  const ours = median(rounds.ours);
  const against = median(rounds.against);
  const ratio = ours / against;
  const met = goal.bound === 'at least' ? ratio >= goal.goal : ratio <= goal.goal;
  return { ...goal, ours, against, ratio, met, note: `${goal.note}; ${spreadOf(rounds)}` };
}

/** Adds what the processes of our side took; `goal` is for all of them together. */
export function withCpu(ratio: Ratio, processes: CpuPerEvent, goal: number): Ratio {
  const total = Object.values(processes).reduce((sum, one) => sum + one, 0);
  return { ...ratio, cpu: { processes, total, goal, met: total <= goal } };
}

function spreadOf({ ours, against }: Rounds): string {
  const ratios = ours.map((value, i) => value / against[i]!);
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
  return `${ratios.length} rounds from ${least.toFixed(2)} to ${most.toFixed(2)}`;
}

export function describeMachine(versions: { postgres: string; nats: string }): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryMb: Math.round(totalmem() / 2 ** 20),
    node: process.version,
    ...versions,
  };
}

const HEAD = ['', 'ours', 'against', 'ratio', 'goal', 'met'];

/** A table for people; the notes follow below it. */
export function tableOf(ratios: readonly Ratio[], machine: Machine): string {
  const rows = [HEAD, ...ratios.map(cellsOf)];
  const widths = HEAD.map((_head, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
  const accounts = ratios.flatMap(({ name, cpu }) => (cpu ? [`${name}: ${cpuLine(cpu)}`] : []));
  const notes = ratios.map(({ name, note }) => `${name}: ${note}`);
  const { cpu, cores, memoryMb, node, postgres, nats } = machine;
  const where = `${cores} × ${cpu}, ${memoryMb} MB, Node ${node}, PostgreSQL ${postgres}, NATS ${nats}`;
  return [
    ...lines,
    '',
    ...accounts,
    '',
    ...notes.map((note) => styleText('dim', note)),
    '',
    where,
    '',
  ].join('\n');
}

function cellsOf({ name, ours, against, unit, ratio, goal, bound, met }: Ratio): string[] {
  const sign = bound === 'at least' ? '≥' : '≤';
  return [
    name,
    `${formatNumber(ours)} ${unit}`,
    `${formatNumber(against)} ${unit}`,
    ratio.toFixed(2),
    `${sign} ${goal.toFixed(2)}`,
    met ? 'yes' : 'no',
  ];
}

/** `CPU µs an event: relay 16 + PostgreSQL 8 = 24 (goal ≤ 30, met)`. */
function cpuLine({ processes, total, goal, met }: Cpu): string {
  const parts = Object.entries(processes).map(([name, micros]) => `${name} ${micros.toFixed(1)}`);
  const verdict = met ? 'met' : 'not met';
  return `CPU µs an event: ${parts.join(' + ')} = ${total.toFixed(1)} (goal ≤ ${goal}, ${verdict})`;
}

function formatNumber(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2);
}
