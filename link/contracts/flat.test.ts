import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  candidateCreatedV0,
  exerciseCompletedMoreThenTenTimesV0,
  managerCreatedV0,
} from '../../gen/events.ts';
import { decodeJson, defineContract, encodeText } from './contract.ts';
import { acceptFlat } from './flat.ts';

const completed = defineContract(
  exerciseCompletedMoreThenTenTimesV0.message,
  exerciseCompletedMoreThenTenTimesV0.schema,
);
const created = defineContract(candidateCreatedV0.message, candidateCreatedV0.schema);
const managers = defineContract(managerCreatedV0.message, managerCreatedV0.schema);

const id = '0199c0de-0000-7000-8000-000000000001';
const arrival = { eventId: id, producedAt: '2026-11-27T08:00:00Z' };
const flat = { exercise_id: id, title: 'S4/V4', author_id: id, candidate_id: id };
const enveloped = {
  event_id: '0199c0de-0000-7000-8000-000000000002',
  event_version: 0,
  event_name: 'ExerciseCompletedMoreThenTenTimes',
  produced_at: '2026-11-26T08:00:00Z',
  payload: flat,
};

describe('a flat event', () => {
  test('is read as the event around it, with the id and the time that the transport knows', () => {
    assert.deepEqual(acceptFlat(completed, flat, arrival), {
      ok: true,
      event: { ...enveloped, event_id: id, produced_at: arrival.producedAt },
    });
  });

  test('may leave away what the contract lets it', () => {
    const value = { candidate_id: id, candidate_name: 'Emmy', created_at: arrival.producedAt };
    const decoded = acceptFlat(created, { ...value, status: 'teacher' }, arrival);
    assert.ok(decoded.ok);
    assert.match(encodeText(created, decoded.event), /"exercises_to_solve":\[\]/);
  });

  test('names its problems by the fields that its sender wrote', () => {
    const { title, ...rest } = flat;
    assert.deepEqual(acceptFlat(completed, { ...rest, colour: 'red' }, arrival), {
      ok: false,
      problems: [
        { field: 'title', message: 'is missing' },
        { field: 'colour', message: 'is not a field of this contract' },
      ],
    });
  });

  test('without an id that the transport knows is refused', () => {
    const decoded = acceptFlat(completed, flat, { ...arrival, eventId: '' });
    assert.deepEqual(decoded.ok || decoded.problems.map(({ field }) => field), ['event_id']);
  });
});

describe('an event with an envelope', () => {
  test('keeps its own id and time', () => {
    assert.deepEqual(acceptFlat(completed, enveloped, arrival), { ok: true, event: enveloped });
  });

  test('is broken, not flat, when a part of the envelope is missing', () => {
    const { payload, ...broken } = enveloped;
    const decoded = acceptFlat(completed, broken, arrival);
    assert.deepEqual(decoded.ok || decoded.problems, [{ field: 'payload', message: 'is missing' }]);
  });
});

test('whatever JSON comes, it is accepted or refused, and only what the contract allows', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const decoded = acceptFlat(managers, value, arrival);
      if (decoded.ok) assert.ok(decodeJson(managers, decoded.event).ok);
      else assert.ok(decoded.problems.length > 0);
    }),
    { numRuns: 200 },
  );
});
