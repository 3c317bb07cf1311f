import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { LinkDescriptionSchema } from '../../gen/relink/v1/participant_pb.ts';
import { findIncompatibilities } from './contract.ts';

function describing(schemas: Record<number, object>) {
  const versions = Object.keys(schemas).map(Number);
  const texts = Object.values(schemas).map((schema) => JSON.stringify(schema));
  const events = [{ name: 'Made', versions, schemas: texts }];
  return create(LinkDescriptionSchema, { id: 'COMM-010', events });
}

const short = { type: 'object', properties: { a: { type: 'string', maxLength: 5 } } };
const long = { type: 'object', properties: { a: { type: 'string', maxLength: 9 } } };

describe('contract gate', () => {
  it('finds nothing when both sides have the same schema, or the consumer takes more', () => {
    assert.deepEqual(
      findIncompatibilities(describing({ 0: short }), describing({ 0: short }), 0),
      [],
    );
    assert.deepEqual(
      findIncompatibilities(describing({ 0: short }), describing({ 0: long }), 0),
      [],
    );
  });

  it('names the field of which the producer may write more than the consumer takes', () => {
    const problems = findIncompatibilities(describing({ 0: long }), describing({ 0: short }), 0);
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /^Made v0: a may have up to 9 characters/);
  });

  it('says which event of the version the consumer does not accept at all', () => {
    const producer = describing({ 0: short, 1: long });
    const problems = findIncompatibilities(producer, describing({ 0: short }), 1);
    assert.deepEqual(problems, ['Made v1 is not accepted']);
  });

  it('counts a schema that cannot be compared as not compatible', () => {
    const odd = { type: 'object', patternProperties: {} };
    const [problem] = findIncompatibilities(describing({ 0: short }), describing({ 0: odd }), 0);
    assert.match(problem!, /^Made v0: .*the keyword at \/patternProperties/);
  });
});
