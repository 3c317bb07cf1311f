/** What one lane has under way takes nothing from the other lanes of its leg. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/harness/until.ts';
import { isOpen, keyIn, relayRig, write, writeAll } from './relay.fixture.ts';

const HANGING = 3;
const OTHERS = Array.from({ length: 16 }, (_, lane) => lane).filter((lane) => lane !== HANGING);

test('a lane that hangs fills its own room, and messages of all other lanes are sent', async (t) => {
  const { sql, relay, consumer } = await relayRig(t);
  const hanging = new Set(Array.from({ length: 4_200 }, () => keyIn(HANGING)));
  consumer.isHeld = (key) => hanging.has(key);
  await writeAll(sql, [...hanging]);
  await relay.start();
  const first = await write(sql, keyIn(OTHERS[0]!));
  await until(async () => !(await isOpen(sql, first)), { what: 'the other is closed' });
});

test('lanes that hang leave a call to each of the others', async (t) => {
  const { sql, relay, consumer } = await relayRig(t);
  const quiet = OTHERS.at(-1)!;
  const lanes = OTHERS.filter((lane) => lane !== quiet);
  const hanging = new Set(lanes.flatMap((lane) => Array.from({ length: 10 }, () => keyIn(lane))));
  consumer.isHeld = (key) => hanging.has(key);
  await writeAll(sql, [...hanging]);
  await relay.start();
  const calls = () => consumer.calls.length;
  await until(async () => calls() >= 28, { what: 'the hanging lanes have their calls' });
  const message = await write(sql, keyIn(quiet));
  await until(async () => !(await isOpen(sql, message)), { what: 'the other is closed' });
});

test('when a lane that was full gets further, all its messages are sent in order', async (t) => {
  const { sql, relay, consumer } = await relayRig(t, { windowBytes: 16 * 4_000 });
  let hangs = true;
  consumer.isHeld = () => hangs;
  const written = await writeAll(
    sql,
    [HANGING, HANGING, 5, HANGING, 5, HANGING, 6].flatMap((lane) =>
      Array.from({ length: 20 }, () => keyIn(lane)),
    ),
  );
  await relay.start();
  await until(async () => consumer.calls.length >= 6, { what: 'the first are called' });
  hangs = false;
  for (const call of [...consumer.calls]) await consumer.answer(call.parcel.row);
  for (const message of written)
    await until(async () => !(await isOpen(sql, message)), { what: 'everything is closed' });
  assert.equal(consumer.calls.length, written.length);
});
