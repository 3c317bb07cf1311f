import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalJson } from './signing.ts';

describe('canonical JSON', () => {
  it('is one text for one value, whatever the order of its fields', () => {
    assert.equal(
      canonicalJson({ b: [1, { d: null, c: 'ü' }], a: true }),
      '{"a":true,"b":[1,{"c":"ü","d":null}]}',
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        assert.equal(canonicalJson(reversed), canonicalJson(value));
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
