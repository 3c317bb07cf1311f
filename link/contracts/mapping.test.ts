import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { managerCreatedV0 } from '../../gen/events.ts';
import { type Contract, defineContract } from './contract.ts';
import { ContractError } from './contractError.ts';
import { added, derived, type FieldChange, removed, renamed, rewritten } from './fieldChange.ts';
import type { JsonSchema } from './jsonSchema.ts';
import { defineMapping, downcastEvent, upcastEvent } from './mapping.ts';

const text: JsonSchema = { type: 'string' };
const upToTen: JsonSchema = { type: 'string', maxLength: 10 };

/** A contract of which only the payload's schema counts. */
function version(number: number, fields: Record<string, JsonSchema>, event = 'Told'): Contract {
  const payload: JsonSchema = { properties: fields, required: Object.keys(fields) };
  const { message, schema } = managerCreatedV0;
  const contract = defineContract(message, schema);
  return { ...contract, event, version: number, schema: { properties: { payload } } };
}

function withoutRequired(contract: Contract): Contract {
  const { properties } = contract.schema.properties!.payload!;
  return { ...contract, schema: { properties: { payload: { properties: properties! } } } };
}

const upperCase = derived('loud', {
  from: ['id'],
  compute: ({ id }: { id: string }) => id.toUpperCase(),
  sql: ({ id }) => `upper(${id})`,
});

const splitAtDash = rewritten<{ both: string }, { left: string; right: string }>({
  words: 'both is split into left and right',
  older: ['both'],
  newer: ['left', 'right'],
  up: ({ both }) => {
    const [left, ...right] = both.split('-');
    return { left: left!, right: right.join('-') };
  },
  down: ({ left, right }) => ({ both: right === '' ? left : `${left}-${right}` }),
  sqlUp: ({ both }) => ({ left: `split_part(${both}, '-', 1)`, right: `''` }),
  sqlDown: ({ left, right }) => ({ both: `${left} || '-' || ${right}` }),
});

describe('a mapping', () => {
  test('copies what no change names, and leaves out what is not there', () => {
    const mapping = defineMapping(version(0, { id: text }), version(1, { id: text }), []);
    assert.deepEqual(mapping.upcast({ id: 'a', strange: 1 }), { id: 'a' });
    assert.deepEqual(mapping.downcast({}), {});
    assert.equal(mapping.loss, 'lossless');
  });

  test('gives a field another name, both ways', () => {
    const [older, newer] = [version(0, { a: text }), version(1, { b: text })];
    const mapping = defineMapping(older, newer, [renamed('a', 'b')]);
    assert.deepEqual(mapping.upcast({ a: 'x' }), { b: 'x' });
    assert.deepEqual(mapping.downcast({ b: 'x' }), { a: 'x' });
    assert.deepEqual(mapping.words, ['a is renamed b']);
  });

  test('gives an added field its default, and drops it on the way back', () => {
    const [older, newer] = [version(0, { id: text }), version(1, { id: text, by: text })];
    const mapping = defineMapping(older, newer, [added('by', { default: '' })]);
    assert.deepEqual(mapping.upcast({ id: 'a' }), { id: 'a', by: '' });
    assert.deepEqual(mapping.downcast({ id: 'a', by: 'me' }), { id: 'a' });
    assert.deepEqual(mapping.findProblems({ id: 'a', by: 'me' }), []);
    assert.deepEqual([mapping.drops, mapping.loss], [['by'], 'lossless']);
  });

  test('computes a derived field, and wants no other in its place', () => {
    const [older, newer] = [version(0, { id: text }), version(1, { id: text, loud: text })];
    const mapping = defineMapping(older, newer, [upperCase]);
    assert.deepEqual(mapping.upcast({ id: 'a' }), { id: 'a', loud: 'A' });
    assert.deepEqual(mapping.downcast({ id: 'a', loud: 'A' }), { id: 'a' });
    assert.deepEqual(mapping.findProblems({ id: 'a', loud: 'A' }), []);
    const [problem] = mapping.findProblems({ id: 'a', loud: 'B' });
    assert.equal(problem?.field, 'payload.loud');
    assert.deepEqual([mapping.drops, mapping.loss], [[], 'lossless']);
  });

  test('asks the owner for what it removed, and takes nothing else from the owner', () => {
    const [older, newer] = [version(0, { id: text, name: text }), version(1, { id: text })];
    const mapping = defineMapping(older, newer, [removed('name', { complement: true })]);
    assert.deepEqual(mapping.upcast({ id: 'a', name: 'Ada' }), { id: 'a' });
    const owned = { id: 'b', name: 'Ada', pay: 1 };
    assert.deepEqual(mapping.downcast({ id: 'a' }, owned), { id: 'a', name: 'Ada' });
    assert.deepEqual([mapping.complement, mapping.loss], [['name'], 'lossy with complement']);
    assert.throws(() => mapping.downcast({ id: 'a' }), withCode('no_way_back', /not given name/));
  });

  test('does not miss an optional field that the owner has not given', () => {
    const older = withoutRequired(version(0, { id: text, name: text }));
    const newer = withoutRequired(version(1, { id: text }));
    const mapping = defineMapping(older, newer, [removed('name', { complement: true })]);
    assert.deepEqual(mapping.downcast({ id: 'a' }, {}), { id: 'a' });
  });

  test('has no way back once a field is removed for good', () => {
    const [older, newer] = [version(0, { id: text, name: text }), version(1, { id: text })];
    const mapping = defineMapping(older, newer, [removed('name')]);
    assert.deepEqual([mapping.complement, mapping.loss], [[], 'irreversible']);
    assert.throws(
      () => mapping.downcast({ id: 'a' }, { name: 'Ada' }),
      withCode('no_way_back', /no way back to Told v0: the next version has lost name/),
    );
    assert.throws(() => mapping.sqlDown(), withCode('no_way_back'));
  });

  test('rewrites fields by functions of your own', () => {
    const mapping = defineMapping(
      version(0, { both: upToTen }),
      version(1, { left: upToTen, right: upToTen }),
      [splitAtDash],
    );
    assert.deepEqual(mapping.upcast({ both: 'a-b-c' }), { left: 'a', right: 'b-c' });
    assert.deepEqual(mapping.downcast({ left: 'a', right: 'b-c' }), { both: 'a-b-c' });
    assert.deepEqual(mapping.words, ['both is split into left and right']);
  });

  test('finds a newer payload that would come back as another, or does not fit the older', () => {
    const mapping = defineMapping(
      version(0, { both: upToTen }),
      version(1, { left: upToTen, right: upToTen }),
      [splitAtDash],
    );
    assert.deepEqual(mapping.findProblems({ left: 'a', right: 'b-c' }), []);
    assert.deepEqual(mapping.findProblems({ left: 'a-b', right: '' }), [
      {
        field: 'payload.left',
        message: 'would be, in version 0, something that comes back as another value',
      },
      {
        field: 'payload.right',
        message: 'would be, in version 0, something that comes back as another value',
      },
    ]);
    assert.deepEqual(mapping.findProblems({ left: '1234567', right: '1234567' }), [
      {
        field: 'payload.left and right',
        message: 'would be, in version 0, both, which must NOT have more than 10 characters',
      },
    ]);
  });

  test('changes of an event the payload and the version, and nothing else', () => {
    const [older, newer] = [version(0, { a: text }), version(1, { b: text })];
    const mapping = defineMapping(older, newer, [renamed('a', 'b')]);
    const event = { event_id: '1', event_version: 0, payload: { a: 'x' } };
    const upcast = { event_id: '1', event_version: 1, payload: { b: 'x' } };
    assert.deepEqual(upcastEvent(mapping, event), upcast);
    assert.deepEqual(downcastEvent(mapping, upcast), event);
  });
});

describe('a mapping is refused', () => {
  const refused = (
    message: RegExp,
    older: Contract,
    newer: Contract,
    ...changes: FieldChange[]
  ): void =>
    assert.throws(() => defineMapping(older, newer, changes), withCode('wrong_mapping', message));

  test('between two events', () => {
    refused(/another event, Asked/, version(0, {}), version(1, {}, 'Asked'));
  });

  test('between versions that are not neighbours', () => {
    for (const number of [0, 2]) refused(/not one step/, version(0, {}), version(number, {}));
    refused(/not one step/, version(1, {}), version(0, {}));
  });

  test('when nobody takes or gives a field', () => {
    const [older, newer] = [version(0, { old: text }), version(1, { new: text })];
    refused(/nobody takes old of v0/, older, newer, added('new', { default: '' }));
    refused(/nobody gives new of v1/, older, newer, removed('old'));
  });

  test('when a change gives a field that the older version has and keeps', () => {
    const [older, newer] = [version(0, { id: text }), version(1, { id: text })];
    refused(/nobody takes id of v0/, older, newer, added('id', { default: '' }));
  });

  test('when a change names a field that is not there', () => {
    const [older, newer] = [version(0, { id: text }), version(1, { id: text })];
    refused(/v0 has no field nane; check/, older, newer, removed('nane'));
    refused(/v1 has no field nane; check/, older, newer, added('nane', { default: '' }));
    refused(/v0 has no field toString/, older, newer, removed('toString'));
  });

  test('when two changes name one field', () => {
    const [older, newer] = [version(0, { a: text }), version(1, { b: text })];
    refused(/a of v0 is in two/, older, newer, renamed('a', 'b'), removed('a'));
  });

  test('when a derived field follows from one that the newer version lacks', () => {
    const [older, newer] = [version(0, { id: text }), version(1, { loud: text })];
    refused(/loud follows from id, which/, older, newer, upperCase, removed('id'));
  });

  test('when a field goes over as it is and the versions have other rules for it', () => {
    const [older, newer] = [version(0, { a: text }), version(1, { a: upToTen })];
    refused(/a of v0 may have any number of characters, not only up to 10/, older, newer);
    const renamedToo = version(1, { b: upToTen });
    refused(/b of v0 may have any number/, older, renamedToo, renamed('a', 'b'));
  });

  test('when a default is not allowed', () => {
    const [older, newer] = [version(0, {}), version(1, { by: upToTen })];
    const tooLong = added('by', { default: 'somebody else' });
    refused(/the default of by must NOT have more than 10/, older, newer, tooLong);
  });

  test('when it drops and asks at once', () => {
    const [older, newer] = [version(0, { a: text }), version(1, { b: text })];
    const both = [added('b', { default: '' }), removed('a', { complement: true })];
    refused(/drops b and asks the owner for a, .* make two versions/, older, newer, ...both);
  });

  test('with everything that is wrong at once', () => {
    const [older, newer] = [version(0, { a: text, b: text }), version(1, { c: text })];
    refused(/Told v0 → v1:\n {2}.*takes a.*\n {2}.*takes b.*\n {2}.*gives c/, older, newer);
  });
});

function withCode(code: string, message = /./) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof ContractError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}
