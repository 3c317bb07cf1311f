/**
 * Every benchmark end to end on real servers, with counts so small that the figures mean nothing:
 * each side checks that it did all its work, and throws if not.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { BenchContext } from './benchmark.ts';
import { EVENT_BYTES, newEvent } from './events.ts';
import { benchmarks } from './goals/index.ts';
import { type BenchServers, startServers } from './servers.ts';

/** A few hundred events a round. */
const TINY = 0.005;

let servers: BenchServers;

before(async () => {
  servers = await startServers();
});
after(() => servers.stop());

test('events have the size that the goals were measured with', () => {
  const { text, eventId } = newEvent();
  assert.equal(Buffer.byteLength(text), EVENT_BYTES);
  assert.equal(JSON.parse(text).event_id, eventId);
});

test('names of benchmarks are unique', () => {
  const names = benchmarks.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});

for (const benchmark of benchmarks.filter(({ isLarge }) => !isLarge))
  test(`benchmark ${benchmark.name} does the same work on both sides`, async () => {
    const context: BenchContext = { servers, rounds: 1, scale: TINY };
    const ratios = await benchmark.run(context);
    assert.ok(ratios.length > 0);
    for (const { name, ours, against, ratio } of ratios)
      for (const figure of [ours, against, ratio])
        assert.ok(Number.isFinite(figure) && figure > 0, `${name}: ${figure}`);
  });
