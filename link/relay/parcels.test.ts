import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { links } from '../../services/links.ts';
import type { LinkDefinition } from '../link.ts';
import type { Flight } from './flight.ts';
import { flightOf } from './flights.fixture.ts';
import { parcelsFor } from './parcels.ts';
import type { Route } from './routes.ts';

const old = links['COMM-010'];
const newer = old.contracts.map((contract) => ({ ...contract, version: 1 }));
const mappings = old.contracts.map((older, i) => ({ older, newer: newer[i]! }));
const link = { ...old, contracts: newer, mappings } as unknown as LinkDefinition;

const HIRING: Route = { transport: 'async', version: 0, epoch: 5n };
const BONUSES: Route = { transport: 'async', version: 0, epoch: 6n };
const leg = (consumer: string, flights: readonly Flight[], isCopied = () => false) => ({
  consumer,
  flights,
  isCopied,
});

test('a message of two legs in one batch is one parcel with the epoch of each', () => {
  const eventId = 'e1';
  const one = flightOf(1, 'a', { eventId, route: HIRING });
  const other = flightOf(2, 'a', { eventId, route: BONUSES });
  const parcels = parcelsFor(link, [leg('hiring', [one]), leg('bonuses', [other], () => true)]);
  assert.equal(parcels.length, 1);
  assert.deepEqual(parcels[0]!.parcel.to, [
    { consumer: 'hiring', epoch: 5n },
    { consumer: 'bonuses', epoch: 6n },
  ]);
  assert.deepEqual(parcels[0]!.parcel.copied, ['bonuses']);
  assert.deepEqual(parcels[0]!.flights, [one, other]);
});

test('a message that is resent, or in another version, has a parcel of its own', () => {
  const eventId = 'e1';
  const first = flightOf(1, 'a', { eventId, route: HIRING });
  const again = flightOf(2, 'a', { eventId, route: BONUSES });
  again.resends = 1;
  const newer = flightOf(3, 'a', { eventId, route: { ...BONUSES, version: 1 } });
  const legs = [leg('hiring', [first]), leg('bonuses', [again]), leg('third', [newer])];
  assert.equal(parcelsFor(link, legs).length, 3);
});

test('every flight is in one parcel, in the order of the outbox', () => {
  const sent = fc.record({ id: fc.nat(20), resends: fc.nat(2), isHiring: fc.boolean() });
  fc.assert(
    fc.property(fc.uniqueArray(sent, { selector: (one) => `${one.id}${one.isHiring}` }), (all) => {
      const flights = all.map(({ id, resends, isHiring }, i) => {
        const route = isHiring ? HIRING : BONUSES;
        const flight = flightOf(i + 1, 'a', { eventId: `e${id}`, route });
        flight.resends = resends;
        return flight;
      });
      const [hiring, bonuses] = [HIRING, BONUSES].map((route) =>
        flights.filter((flight) => flight.route === route),
      );
      const parcels = parcelsFor(link, [leg('hiring', hiring!), leg('bonuses', bonuses!)]);
      const seqs = parcels.flatMap((one) => one.flights.map((flight) => flight.row.seq));
      assert.deepEqual(
        seqs.toSorted((a, b) => a - b),
        flights.map((flight) => flight.row.seq),
      );
      const firsts = parcels.map((one) => one.parcel.row.seq);
      assert.deepEqual(
        firsts,
        firsts.toSorted((a, b) => a - b),
      );
    }),
  );
});
