/** Flights for the tests of the relay's decisions. */
import { randomUUID } from 'node:crypto';
import { laneOf } from '../link.ts';
import { Flight } from './flight.ts';
import type { Route } from './routes.ts';

export function flightOf(seq: number, key: string, more: { eventId?: string; route?: Route } = {}) {
  const { eventId = randomUUID(), route } = more;
  const flight = new Flight(
    {
      leg: 'COMM-010/hiring',
      seq,
      lane: laneOf(key),
      key,
      version: BigInt(seq),
      event: 'ManagerUpdated',
      eventVersion: 0,
      eventId,
      body: '{}',
      traceparent: null,
      ageMs: 0,
    },
    0,
  );
  flight.route = route;
  return flight;
}
