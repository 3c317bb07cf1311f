import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { flightOf } from './flights.fixture.ts';
import { type Departure, shipmentsOf } from './parcels.ts';

const EPOCHS = { hiring: 5n, bonuses: 6n };

interface Leaving {
  readonly seq: number;
  readonly consumer: keyof typeof EPOCHS;
  readonly eventId?: string;
  readonly version?: number;
  readonly resends?: number;
  readonly copied?: readonly string[];
}

function departing({ seq, consumer, eventId = 'e1', version = 0, ...more }: Leaving): Departure {
  const { row } = flightOf(seq, 'a', { eventId });
  const to = [{ consumer, epoch: EPOCHS[consumer] }];
  const parcel = { row, version, to, shadow: [], copied: [], resends: 0, ...more };
  return { parcel, onResult: () => undefined };
}

test('a message of two legs in one batch is one publication with the epoch of each', () => {
  const one = departing({ seq: 1, consumer: 'hiring' });
  const other = departing({ seq: 2, consumer: 'bonuses', copied: ['bonuses'] });
  const [shipment, ...more] = shipmentsOf([[one], [other]]);
  assert.deepEqual(more, []);
  assert.deepEqual(shipment!.parcel.to, [
    { consumer: 'hiring', epoch: 5n },
    { consumer: 'bonuses', epoch: 6n },
  ]);
  assert.deepEqual(shipment!.parcel.copied, ['bonuses']);
  assert.deepEqual(shipment!.departures, [one, other]);
});

test('a message that is resent, or in another version, is a publication of its own', () => {
  const first = departing({ seq: 1, consumer: 'hiring' });
  const again = departing({ seq: 2, consumer: 'bonuses', resends: 1 });
  const newer = departing({ seq: 3, consumer: 'bonuses', version: 1 });
  assert.equal(shipmentsOf([[first], [again, newer]]).length, 3);
});

test('every departure is in one publication, in the order of the outbox', () => {
  const sent = fc.record({ id: fc.nat(20), resends: fc.nat(2), isHiring: fc.boolean() });
  fc.assert(
    fc.property(fc.uniqueArray(sent, { selector: (one) => `${one.id}${one.isHiring}` }), (all) => {
      const departures = all.map(({ id, resends, isHiring }, i) =>
        departing({
          ...{ seq: i + 1, eventId: `e${id}`, resends },
          consumer: isHiring ? 'hiring' : 'bonuses',
        }),
      );
      const legs = ['hiring', 'bonuses'].map((name) =>
        departures.filter(({ parcel }) => parcel.to[0]!.consumer === name),
      );
      const shipments = shipmentsOf(legs);
      const seqOf = ({ parcel }: Pick<Departure, 'parcel'>) => parcel.row.seq;
      assert.deepEqual(
        shipments.flatMap((one) => one.departures.map(seqOf)).toSorted((a, b) => a - b),
        departures.map(seqOf),
      );
      const firsts = shipments.map(seqOf);
      assert.deepEqual(
        firsts,
        firsts.toSorted((a, b) => a - b),
      );
    }),
  );
});
