import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { OutboxRow } from '../outbox/openRows.ts';
import { LegWindow } from './window.ts';

const LEG = 'COMM-010/hiring';
const ALL = 0xffff;

const rowOf = (seq: number, lane: number, bytes = 2): OutboxRow => ({
  ...{ leg: LEG, seq, lane, key: `${seq}`, version: 1n, event: 'ManagerUpdated', eventVersion: 0 },
  ...{ eventId: randomUUID(), body: 'x'.repeat(bytes), traceparent: null, ageMs: 0 },
});

/** Reads as the database would, once. */
function readOnce(window: LegWindow, rows: readonly OutboxRow[], laneMask = ALL): OutboxRow[] {
  const taken: OutboxRow[] = [];
  const last = rows.at(-1)?.seq ?? 0;
  for (const order of window.orders(laneMask)) {
    const isWanted = ({ seq, lane }: OutboxRow) =>
      seq > order.tail && seq <= order.end && (order.laneMask >> lane) & 1;
    const found = rows.filter(isWanted).slice(0, order.limit);
    const through = Math.min(order.end, last);
    const open = { rows: found, before: [], through, isMore: order.end < last };
    window.read(order, open, (row) => {
      window.add(row, 0);
      taken.push(row);
    });
  }
  return taken;
}

test('a lane of huge messages fills its share, and another goes on', () => {
  const window = new LegWindow(LEG, 16 * 10_000);
  const huge = Array.from({ length: 50 }, (_, i) => rowOf(i + 1, 3, 9_000));
  const rows = [...huge, rowOf(51, 4)];
  assert.deepEqual(
    readOnce(window, rows).map(({ seq }) => seq),
    [1, 2, 51],
  );
  assert.deepEqual(readOnce(window, rows), [], 'there is no room for more');
  window.remove(window.at(1)!);
  window.remove(window.at(2)!);
  assert.deepEqual(
    readOnce(window, rows).map(({ seq }) => seq),
    [3, 4],
  );
});

test('a message that is larger than the share of its lane is taken when the lane is empty', () => {
  const window = new LegWindow(LEG, 16);
  const rows = [rowOf(1, 0, 5_000), rowOf(2, 0, 5_000)];
  for (const row of rows) {
    assert.deepEqual(readOnce(window, rows), [row]);
    window.remove(window.at(row.seq)!);
  }
});

test('whatever lanes are closed and however rows leave, each row is taken once and in order', () => {
  const lanes = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 60 });
  const steps = fc.array(fc.record({ mask: fc.integer({ min: 0, max: 15 }), leave: fc.nat(5) }));
  fc.assert(
    fc.property(lanes, steps, (rowLanes, passes) => {
      const window = new LegWindow(LEG, 16 * 2_000);
      const rows = rowLanes.map((lane, i) => rowOf(10 * i + 1, lane));
      const taken: OutboxRow[] = [];
      const pass = (mask: number, leave: number) => {
        taken.push(...readOnce(window, rows, mask));
        for (const flight of [...window.all()].slice(0, leave)) window.remove(flight);
      };
      for (const { mask, leave } of passes) pass(mask, leave);
      for (let i = 0; i < 2 * rows.length; i++) pass(ALL, 60);
      for (const lane of [0, 1, 2, 3])
        assert.deepEqual(
          taken.filter((row) => row.lane === lane),
          rows.filter((row) => row.lane === lane),
        );
    }),
  );
});
