/**
 * Metrics in Prometheus' text format. Our own code instead of a library: the hot path holds its
 * series (`labels()` once, `inc()` many times), so that an update is one addition. Format:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ (text 0.0.4)
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { CodedError } from './errors.ts';

export type Labels = Record<string, string>;
type Kind = 'counter' | 'gauge' | 'histogram';

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const MAX_SERIES = 5_000; // per family; beyond it a label must hold ids and would fill the memory
const EVENT_LOOP_RESOLUTION_MS = 20;
const NANOS_PER_S = 1e9;
const MICROS_PER_S = 1e6;

/** Seconds; from a local call to a stuck one. */
export const LATENCY_BUCKETS_S = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

export class MetricsError extends CodedError<'bad_name' | 'name_taken' | 'too_many_series'> {}

export interface Counter {
  inc(by?: number): void;
}

export interface Gauge extends Counter {
  set(value: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

/** A named metric; each set of label values is a series. Keep the series, not the labels. */
export interface Family<Series> {
  labels(labels: Labels): Series;
  /** Forgets one series, such as a lane that another instance owns now. */
  remove(labels: Labels): void;
}

class ValueSeries implements Gauge {
  value = 0;
  inc(by = 1): void {
    this.value += by;
  }
  set(value: number): void {
    this.value = value;
  }
  write(name: string, labels: string): string[] {
    return [`${name}${braced(labels)} ${formatValue(this.value)}`];
  }
}

class HistogramSeries implements Histogram {
  readonly #bounds: number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;
  constructor(bounds: number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }
  observe(value: number): void {
    this.#sum += value;
    this.#count += 1;
    const index = this.#bounds.findIndex((bound) => value <= bound);
    if (index >= 0) this.#counts[index]! += 1;
  }
  write(name: string, labels: string): string[] {
    const prefix = labels === '' ? '' : `${labels},`;
    let total = 0;
    const buckets = this.#bounds.map((bound, index) => {
      total += this.#counts[index]!;
      return `${name}_bucket{${prefix}le="${bound}"} ${total}`;
    });
    return [
      ...buckets,
      `${name}_bucket{${prefix}le="+Inf"} ${this.#count}`,
      `${name}_sum${braced(labels)} ${formatValue(this.#sum)}`,
      `${name}_count${braced(labels)} ${this.#count}`,
    ];
  }
}

interface Writable {
  write(name: string, labels: string): string[];
}

interface StoredFamily {
  kind: Kind;
  help: string;
  series: Map<string, Writable>;
}

/** The metrics of one process. Names end in their unit: `_seconds`, `_bytes`, `_total`. */
export class Metrics {
  readonly #families = new Map<string, StoredFamily>();
  readonly #collectors = new Set<() => void>();

  counter(name: string, help: string): Family<Counter> {
    return this.#family(name, help, 'counter', () => new ValueSeries());
  }

  gauge(name: string, help: string): Family<Gauge> {
    return this.#family(name, help, 'gauge', () => new ValueSeries());
  }

  histogram(name: string, help: string, bounds = LATENCY_BUCKETS_S): Family<Histogram> {
    return this.#family(name, help, 'histogram', () => new HistogramSeries(bounds));
  }

  /** Runs before every scrape, for gauges that are cheaper to read than to keep up to date. */
  onCollect(collect: () => void): void {
    this.#collectors.add(collect);
  }

  /** Everything as text/plain; version=0.0.4. */
  write(): string {
    for (const collect of this.#collectors) collect();
    const lines: string[] = [];
    for (const [name, { kind, help, series }] of this.#families) {
      lines.push(`# HELP ${name} ${help.replace(/\n/g, ' ')}`, `# TYPE ${name} ${kind}`);
      for (const [labels, one] of series) lines.push(...one.write(name, labels));
    }
    return `${lines.join('\n')}\n`;
  }

  #family<S extends Writable>(name: string, help: string, kind: Kind, make: () => S): Family<S> {
    if (!NAME.test(name)) throw new MetricsError('bad_name', `"${name}" is not a metric name`);
    if (this.#families.has(name)) throw new MetricsError('name_taken', `${name} already exists`);
    const series = new Map<string, S>();
    this.#families.set(name, { kind, help, series });
    const labels = (labels: Labels) => {
      const key = formatLabels(labels);
      const known = series.get(key);
      if (known !== undefined) return known;
      if (series.size >= MAX_SERIES) {
        throw new MetricsError(
          'too_many_series',
          `${name} already has ${MAX_SERIES} series; does a label hold ids?`,
        );
      }
      const made = make();
      series.set(key, made);
      return made;
    };
    return { labels, remove: (labels) => void series.delete(formatLabels(labels)) };
  }
}

/** Memory, processor time and event loop delay of this process, until `stop()`. */
export function addProcessMetrics(metrics: Metrics): { stop(): void } {
  const processor = metrics.counter('process_cpu_seconds_total', 'Processor time').labels({});
  const resident = metrics.gauge('process_resident_memory_bytes', 'Resident memory').labels({});
  const heap = metrics.gauge('nodejs_heap_used_bytes', 'JavaScript heap in use').labels({});
  const loop = metrics.gauge('nodejs_eventloop_delay_p99_seconds', 'Since the last scrape');
  const started = metrics.gauge('process_start_time_seconds', 'Start, Unix time').labels({});
  const delay = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS });
  let processorBefore = 0;
  delay.enable();
  started.set(performance.timeOrigin / 1000);
  metrics.onCollect(() => {
    const { user, system } = process.cpuUsage();
    const processorNow = (user + system) / MICROS_PER_S;
    processor.inc(processorNow - processorBefore);
    processorBefore = processorNow;
    const { rss, heapUsed } = process.memoryUsage();
    resident.set(rss);
    heap.set(heapUsed);
    loop.labels({}).set(delay.percentile(99) / NANOS_PER_S);
    delay.reset();
  });
  return { stop: () => void delay.disable() };
}

function formatLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`)
    .join(',');
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
}
