import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { DeadLetterSchema } from '../../../gen/relink/v1/participant_pb.ts';
import { formatDeadLetter } from './deadLetterView.ts';
import { parseExactly, toJsonShape } from './json.ts';
import { plainPaint } from './paint.ts';

// One more than the largest number that a JavaScript number can tell from its neighbours.
const LARGE = 9_007_199_254_740_993n;
const LARGEST = 9_223_372_036_854_775_807n;

test('an int64 keeps every digit in JSON, and is a number as ever', () => {
  const letter = create(DeadLetterSchema, { entityVersion: LARGEST, epoch: 7n });
  const text = JSON.stringify(toJsonShape(DeadLetterSchema, letter));
  assert.match(text, /"entity_version":9223372036854775807,/);
  assert.match(text, /"epoch":7,/);
});

test('a body shows its numbers as they were sent', () => {
  const letter = create(DeadLetterSchema, { body: `{"a":${LARGE},"b":1.10,"c":[1e400,"2"]}` });
  const shown = formatDeadLetter(letter, { width: Infinity, paint: plainPaint, now: 0 }).join(' ');
  for (const number of [String(LARGE), '1.10', '1e400']) assert.ok(shown.includes(number), number);
});

test('a body that was read is written as it was', () => {
  const body = `{"a":${LARGE},"b":[1.10,"2",null,true],"__proto__":{"c":-0}}`;
  assert.equal(JSON.stringify(parseExactly(body)), body);
});
