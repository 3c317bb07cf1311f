import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { StructSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { type ManagerCreatedV0, managerCreatedV0 } from '../../gen/events.ts';
import {
  decodeMessage,
  decodeText,
  defineContract,
  encodeText,
  fromMessage,
  prepareContract,
  toMessage,
} from './contract.ts';
import { ContractError } from './contractError.ts';

const created = defineContract(managerCreatedV0.message, managerCreatedV0.schema);

test('a schema that is wrong is refused when its contract is prepared, before any event', () => {
  const wrong = defineContract(managerCreatedV0.message, {
    ...created.schema,
    maximun: 3,
  } as never);
  assert.throws(() => prepareContract(wrong), /unknown keyword: "maximun"/);
  prepareContract(created);
});

const ada: ManagerCreatedV0 = {
  payload: {
    created_at: '2026-01-01T12:00:00.000+02:00',
    last_name: 'Lovelace',
    first_name: 'Ada',
    manager_replication_id: '019a0000-0000-7000-8000-000000000001',
  },
  produced_at: '2026-01-01T10:00:00.120Z',
  event_name: 'ManagerCreated',
  event_version: 0,
  event_id: '019a0000-0000-7000-8000-000000000002',
};

describe('contract', () => {
  test('writes fields in the order of their numbers, times in UTC, no white space', () => {
    assert.equal(
      encodeText(created, ada),
      '{"event_id":"019a0000-0000-7000-8000-000000000002","event_version":0,' +
        '"event_name":"ManagerCreated","produced_at":"2026-01-01T10:00:00.120Z","payload":' +
        '{"manager_replication_id":"019a0000-0000-7000-8000-000000000001",' +
        '"first_name":"Ada","last_name":"Lovelace","created_at":"2026-01-01T10:00:00Z"}}',
    );
  });

  test('writes the same text from the protobuf message', () => {
    const event = fromMessage(created, toMessage(created, ada));
    assert.equal(encodeText(created, event), encodeText(created, ada));
  });

  test('replaces a lone surrogate, as binary protobuf does', () => {
    const half = { ...ada, payload: { ...ada.payload, first_name: 'A\ud800' } };
    assert.match(encodeText(created, half), /"first_name":"A\ufffd"/);
  });

  test('reports every problem with its field', () => {
    const bad = { ...ada, surprise: 1, payload: { ...ada.payload, first_name: '', last_name: 1 } };
    const decoded = decodeText(created, JSON.stringify(bad));
    assert.deepEqual(decoded, {
      ok: false,
      problems: [
        { field: 'surprise', message: 'is not a field of this contract' },
        { field: 'payload.first_name', message: 'must NOT have fewer than 1 characters' },
        { field: 'payload.last_name', message: 'must be string' },
      ],
    });
  });

  test('never quotes text that is not JSON: it may be personal', () => {
    const decoded = decodeText(created, '{"first_name":Ada}');
    assert.deepEqual(decoded, { ok: false, problems: [{ field: '', message: 'is not JSON' }] });
  });

  test('says where a text stops being JSON, where that is known', () => {
    const decoded = decodeText(created, '{"event_id":"x');
    const problems = [{ field: '', message: 'is not JSON (at character 14)' }];
    assert.deepEqual(decoded, { ok: false, problems });
  });

  test('refuses a message with a time that JSON cannot express, without throwing', () => {
    const message = create(managerCreatedV0.message, {
      producedAt: create(TimestampSchema, { seconds: 10n ** 15n }),
    });
    assert.equal(decodeMessage(created, message).ok, false);
    assert.throws(() => fromMessage(created, message), { code: 'not_this_contract' });
  });

  test('refuses to make a message from something that is not an event', () => {
    const wrong = { ...ada, event_version: 'x' } as unknown as ManagerCreatedV0;
    assert.throws(() => toMessage(created, wrong), { code: 'not_this_contract' });
  });

  test('refuses messages whose fields have no single canonical text', () => {
    assert.throws(() => defineContract(StructSchema, {}), ContractError);
  });
});
