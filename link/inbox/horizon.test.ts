/** A horizon that is shorter than what may come late is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connectNats } from '../../runtime/nats.ts';
import { links } from '../../services/links.ts';
import { testNats } from '../../test/harness/nats.ts';
import { ensureStream } from '../transport/jetStream/provision.ts';
import { describeShortHorizon, Horizon } from './horizon.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

test('the longest of what may come late is named, with both numbers', () => {
  const late = [
    { what: 'stream COMM-010 keeps messages', forMs: 2 * DAY_MS },
    { what: 'the producer keeps settled messages', forMs: 7 * DAY_MS },
  ];
  assert.equal(describeShortHorizon(30, late), '');
  assert.equal(describeShortHorizon(7, late), '');
  assert.equal(describeShortHorizon(1, []), '');
  assert.equal(
    describeShortHorizon(1, late),
    'it remembers what it settled for 1 day, and the producer keeps settled messages for 7 days: ' +
      'what comes after the horizon is not applied; start it with RELINK_HORIZON_DAYS=7 or more',
  );
});

test('a process is not ready while a stream keeps messages for longer than it remembers', async (t) => {
  const { url } = await testNats(t);
  const nats = await connectNats(url, { name: 'horizon' });
  t.after(() => nats.close());
  const manager = await jetstreamManager(nats.connection);
  const consumed = [links['COMM-010'], links['COMM-040']];
  const horizon = new Horizon({ horizonDays: 2, consumed, manager: async () => manager });
  await horizon.look();
  horizon.requireLongEnough();
  await ensureStream(manager, 'COMM-010');
  await horizon.look();
  horizon.requireLongEnough();
  await manager.streams.update('COMM-010', { max_age: 5 * DAY_MS * 1_000_000 });
  await horizon.look();
  assert.throws(
    () => horizon.requireLongEnough(),
    /for 2 days, and stream COMM-010 keeps messages for 5 days: .* RELINK_HORIZON_DAYS=5 or more$/,
  );
  await manager.streams.update('COMM-010', { max_age: 0 });
  await horizon.look();
  horizon.requireLongEnough();
});
