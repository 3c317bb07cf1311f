import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addProcessMetrics, Metrics } from './metrics.ts';

test('counters, gauges and histograms are written as Prometheus reads them', () => {
  const metrics = new Metrics();
  const sent = metrics.counter('relink_sent_total', 'Messages sent');
  sent.labels({ link: 'COMM-010', note: 'a "b"' }).inc();
  sent.labels({ link: 'COMM-010', note: 'a "b"' }).inc(2);
  metrics.gauge('relink_open_rows', 'Open rows').labels({}).set(7);
  const lag = metrics.histogram('relink_lag_seconds', 'Lag', [0.1, 1]).labels({ lane: '3' });
  for (const value of [0.05, 0.1, 0.5, 5]) lag.observe(value);
  assert.equal(
    metrics.write(),
    `# HELP relink_sent_total Messages sent
# TYPE relink_sent_total counter
relink_sent_total{link="COMM-010",note="a \\"b\\""} 3
# HELP relink_open_rows Open rows
# TYPE relink_open_rows gauge
relink_open_rows 7
# HELP relink_lag_seconds Lag
# TYPE relink_lag_seconds histogram
relink_lag_seconds_bucket{lane="3",le="0.1"} 2
relink_lag_seconds_bucket{lane="3",le="1"} 3
relink_lag_seconds_bucket{lane="3",le="+Inf"} 4
relink_lag_seconds_sum{lane="3"} 5.65
relink_lag_seconds_count{lane="3"} 4
`,
  );
});

test('a name must be valid and unused, and series are limited', () => {
  const metrics = new Metrics();
  const family = metrics.gauge('relink_open', 'x');
  assert.throws(() => metrics.gauge('relink_open', 'x'), { code: 'name_taken' });
  assert.throws(() => metrics.gauge('relink-open', 'x'), { code: 'bad_name' });
  const fill = () => {
    for (let id = 0; id <= 5_000; id += 1) family.labels({ id: String(id) });
  };
  assert.throws(fill, { code: 'too_many_series' });
});

test('a removed series is no longer written', () => {
  const metrics = new Metrics();
  const lanes = metrics.gauge('relink_lane_owned', 'x');
  lanes.labels({ lane: '1' }).set(1);
  lanes.remove({ lane: '1' });
  assert.doesNotMatch(metrics.write(), /lane="1"/);
});

test('a process reports its memory and processor time', () => {
  const metrics = new Metrics();
  const measuring = addProcessMetrics(metrics);
  assert.match(metrics.write(), /process_resident_memory_bytes \d{6,}/);
  assert.match(metrics.write(), /process_cpu_seconds_total 0?\.?\d/);
  measuring.stop();
});
