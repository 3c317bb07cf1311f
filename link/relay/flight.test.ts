import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PARKED_ASK_MS } from '../backoff.ts';
import { laneOf } from '../link.ts';
import { type Cause, Flight, type FlightState, type LaneRoom, TRANSITIONS } from './flight.ts';
import type { Route } from './routes.ts';
import { LegWindow } from './window.ts';

const SYNC: Route = { transport: 'sync', version: 0, epoch: 1n };
const ASYNC: Route = { transport: 'async', version: 0, epoch: 2n };

const rowOf = (seq: number) => ({
  ...{ leg: 'COMM-010/hiring', seq, lane: laneOf('a'), key: 'a', version: BigInt(seq) },
  ...{ event: 'ManagerUpdated', eventVersion: 0, eventId: `event ${seq}`, body: '{}' },
  ...{ traceparent: null, ageMs: 0 },
});

/** What the relay does to a flight, by the cause it stands for. */
const DO: Record<Cause, (flight: Flight) => boolean> = {
  queue: (flight) => flight.queue(SYNC),
  call: (flight) => flight.call(),
  publish: (flight) => flight.publish(ASYNC),
  handOver: (flight) => flight.handOver(0),
  fail: (flight) => flight.fail(0, 'away'),
  holdBack: (flight) => flight.holdBack(),
  callAgain: (flight) => flight.route?.transport === 'sync' && flight.tryAgain(),
  publishAgain: (flight) => flight.route?.transport !== 'sync' && flight.tryAgain(),
  resend: (flight) => flight.resend(),
  takeBack: (flight) => flight.takeBack(),
  askBeforePull: (flight) => flight.askBeforePull(0),
  park: (flight) => flight.park(0),
  settle: (flight) => flight.settle(7n),
  letGo: (flight) => flight.letGo(),
};

const table: Record<Cause, { from: readonly FlightState[]; to: FlightState }> = TRANSITIONS;

const causes = fc.array(
  fc.record({ cause: fc.constantFrom(...(Object.keys(DO) as Cause[])), at: fc.nat({ max: 4 }) }),
  { maxLength: 80 },
);

test('a flight changes only as the table allows', () => {
  fc.assert(
    fc.property(causes, (steps) => {
      const flight = new Flight(rowOf(1), 0);
      for (const { cause } of steps) {
        const before = flight.state;
        const didChange = DO[cause](flight);
        const { from, to } = table[cause];
        if (didChange) assert.ok(from.includes(before), `${cause} from ${before}`);
        assert.equal(flight.state, didChange ? to : before);
      }
    }),
  );
});

test('the room of a lane counts every flight that is not parked, whatever happened to it', () => {
  fc.assert(
    fc.property(causes, (steps) => {
      let taken = 0;
      const room: LaneRoom = {
        resize: (rows) => {
          taken += rows;
        },
      };
      const flights = [1, 2, 3, 4, 5].map((seq) => new Flight(rowOf(seq), 0, room));
      for (const { cause, at } of steps) DO[cause](flights[at]!);
      const takesRoom = ({ state }: Flight) => state !== 'parked' && state !== 'gone';
      assert.equal(taken, flights.filter(takesRoom).length);
    }),
  );
});

test('a result that comes after the receipt changes nothing', () => {
  const parked = new Flight(rowOf(1), 0);
  parked.publish(ASYNC);
  parked.park(0);
  assert.equal(parked.handOver(1), false, 'the acknowledgement of its publication');
  assert.equal(parked.state, 'parked');

  const settled = new Flight(rowOf(2), 0);
  settled.publish(ASYNC);
  settled.settle(2n);
  assert.equal(settled.fail(1, 'away'), false, 'no acknowledgement in time');
  assert.equal(settled.settle(3n), false, 'a second receipt');
  assert.deepEqual([settled.state, settled.settledEpoch], ['settled', 2n]);
});

test('a settled flight can only become gone, and a flight that is gone stays gone', () => {
  const reached = new Set<FlightState>(
    Object.values(table)
      .filter(({ from }) => from.includes('settled'))
      .map(({ to }) => to),
  );
  assert.deepEqual([...reached], ['gone']);
  const leaving = Object.values(table).filter(({ from }) => from.includes('gone'));
  assert.deepEqual(leaving, []);
});

test('a row that is read again gets a new flight', () => {
  const window = new LegWindow('COMM-010/hiring');
  const first = window.add(rowOf(1), 0);
  window.remove(first);
  const second = window.add(rowOf(1), 0);
  window.remove(first);
  assert.equal(window.ofEvent('event 1'), second);
  assert.equal(first.settle(1n), false);
});

const STREAM = { created: 'monday', firstSeq: 5, lastSeq: 20, ackedThrough: 7 };
/** A message that was stored there; undefined if nobody knows when that stream was made. */
const storedAt = (seq: number, created?: string) => {
  const flight = new Flight(rowOf(1), 0);
  flight.publish(ASYNC);
  flight.handOver(0, { seq, created });
  return flight;
};

test('a message that the stream still has for its consumer is never sent again', () => {
  for (const created of ['monday', undefined])
    assert.equal(storedAt(8, created).isLost(10 ** 9, STREAM), false);
});

test('a message is sent again if it was purged, acknowledged in vain, or stored in another stream', () => {
  const gone = [storedAt(4), storedAt(7), storedAt(21), storedAt(8, 'sunday')];
  for (const flight of gone) assert.equal(flight.isLost(2_000, STREAM), true);
});

for (const { look, copies } of [
  { look: undefined, copies: [0, 31_000, 92_000, 213_000, 454_000] },
  {
    look: STREAM,
    copies: [0, 2_000, 5_000, 10_000, 19_000, 36_000, 69_000, 134_000, 263_000, 520_000],
  },
])
  test(`what is lost again and again is sent less and less often (${look ? 'known' : 'nobody can tell'})`, () => {
    const flight = new Flight(rowOf(1), 0);
    const copiesAtMs: number[] = [];
    for (let nowMs = 0; nowMs < 600_000; nowMs += 1_000) {
      if (flight.state === 'sent' && !flight.isLost(nowMs, look)) continue;
      if (flight.state === 'sent') flight.resend();
      flight.publish(ASYNC);
      flight.handOver(nowMs, { seq: 4, created: undefined });
      copiesAtMs.push(nowMs);
    }
    assert.deepEqual(copiesAtMs, copies);
  });

test('of any number of parked messages each is asked for in its turn', () => {
  const window = new LegWindow('COMM-010/hiring');
  const parked = Array.from({ length: 30 }, (_, i) => window.add(rowOf(i + 1), 0));
  for (const flight of parked) flight.park(0);
  const asked = new Set<Flight>();
  // As many turns as are due again before all had theirs.
  for (let nowMs = PARKED_ASK_MS; asked.size < parked.length; nowMs += PARKED_ASK_MS) {
    const turn = window.overdue(nowMs, 10);
    assert.ok(turn.some((flight) => !asked.has(flight)));
    for (const flight of turn) {
      asked.add(flight);
      flight.askLater(nowMs);
    }
  }
});
