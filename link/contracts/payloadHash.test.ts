import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payloadHash } from './payloadHash.ts';

test('is the first 8 bytes of SHA-256 over id, line feed and text', () => {
  // printf 'id\n{}' | sha256sum → cd22b4998accc1e2…
  assert.equal(payloadHash('id', '{}'), BigInt.asIntN(64, 0xcd22b4998accc1e2n));
});

test('is signed, so that it fits a PostgreSQL bigint', () => {
  const hashes = Array.from({ length: 64 }, (_, i) => payloadHash(String(i), '{}'));
  assert.ok(hashes.some((hash) => hash < 0n) && hashes.some((hash) => hash > 0n));
  assert.ok(hashes.every((hash) => BigInt.asIntN(64, hash) === hash));
});

test('differs by id and by payload', () => {
  const hashes = [payloadHash('a', '{}'), payloadHash('b', '{}'), payloadHash('a', '{ }')];
  assert.equal(new Set(hashes).size, 3);
});

test('hashes text as UTF-8', () => {
  // printf 'id\n"é"' | sha256sum → fb2b572a71c9c61f…
  assert.equal(payloadHash('id', '"é"'), BigInt.asIntN(64, 0xfb2b572a71c9c61fn));
});
