import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Delivery } from './delivery.ts';
import { takeTurns } from './ordered.ts';

function deliver(key: string, version: number): Delivery {
  return { key, version: BigInt(version), eventId: `${key}/${version}` } as Delivery;
}

function idsOf(deliveries: readonly Delivery[]): string[] {
  return deliveries.map((delivery) => delivery.eventId);
}

test('the next version of a key is applied, a later one is parked, a passed one is skipped', () => {
  const batch = [deliver('a', 3), deliver('a', 5), deliver('a', 2), deliver('b', 2)];
  const turns = takeTurns(batch, new Map([['a', 2n]]));
  assert.deepEqual(idsOf(turns.now), ['a/3']);
  assert.deepEqual(idsOf(turns.later).sort(), ['a/5', 'b/2']);
  assert.deepEqual(idsOf(turns.past), ['a/2']);
  assert.equal(turns.positions.get('a'), 3n);
});

test('versions in one batch are taken in order, however they arrived', () => {
  const turns = takeTurns([deliver('a', 2), deliver('a', 3), deliver('a', 1)], new Map());
  assert.deepEqual(idsOf(turns.now), ['a/1', 'a/2', 'a/3']);
  assert.equal(turns.later.length, 0);
});

test('whatever the order and the batches, a key advances without a gap', () => {
  const versions = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1 });
  fc.assert(
    fc.property(versions, fc.infiniteStream(fc.integer({ min: 1, max: 4 })), (arrived, sizes) => {
      let positions: ReadonlyMap<string, bigint> = new Map();
      let parked: Delivery[] = [];
      const applied: number[] = [];
      const rest = [...arrived];
      while (rest.length > 0) {
        const batch = rest.splice(0, sizes.next().value).map((version) => deliver('k', version));
        const turns = takeTurns([...parked, ...batch], positions);
        positions = turns.positions;
        parked = [...turns.later];
        applied.push(...turns.now.map((delivery) => Number(delivery.version)));
      }
      assert.deepEqual(
        applied,
        applied.map((_version, i) => i + 1),
      );
      assert.equal(applied.length + parked.length, arrived.length);
    }),
  );
});
