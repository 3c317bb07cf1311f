import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinAddress, splitAddress } from './address.ts';

for (const [host, port, text] of [
  ['127.0.0.1', 7101, '127.0.0.1:7101'],
  ['db.internal', 1, 'db.internal:1'],
  ['::1', 7101, '[::1]:7101'],
  ['fe80::1%eth0', 65_535, '[fe80::1%eth0]:65535'],
] as const)
  test(`${host} and ${port} are ${text}, and come out of it again`, () => {
    assert.equal(joinAddress(host, port), text);
    assert.deepEqual(splitAddress(text), { host, port });
  });

for (const text of ['', 'h', 'h:', ':1', 'h:1x', 'h:65536', '::1:7101', '[h]:1', 'a b:1', 'a/b:1'])
  test(`"${text}" is no address`, () => {
    assert.equal(splitAddress(text), undefined);
  });
