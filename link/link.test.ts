import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { links } from '../services/links.ts';
import { defineLinks, LANES, type LinkDefinition, LinkDefinitionError, laneOf } from './link.ts';

/** IEEE 802.3 CRC-32, bit by bit, as its definition says. */
function crc32Reference(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

test('the lane of a key is the IEEE CRC-32 of its UTF-8 bytes modulo 16', () => {
  assert.equal(crc32Reference(Buffer.from('123456789')), 0xcbf4_3926); // the standard's check value
  assert.equal(laneOf('123456789'), 0xcbf4_3926 % 16);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (key) => {
      assert.equal(laneOf(key), crc32Reference(Buffer.from(key, 'utf8')) % LANES);
    }),
  );
});

test('a map of links with problems is refused with all of them', () => {
  const bad = { id: 'link', kind: 'formal', consumers: {}, contracts: [], transports: [] };
  const link = { ...bad, starts: { transport: 'sync', version: 0 } } as unknown as LinkDefinition;
  assert.throws(
    () => defineLinks([link, link]),
    (error: Error) => {
      assert.ok(error instanceof LinkDefinitionError);
      for (const part of ['looks like COMM-010', 'no consumer', 'no event', 'entity', 'twice'])
        assert.match(error.message, new RegExp(part));
      return true;
    },
  );
});

test('a second version of an event is refused, because links cannot move between versions yet', () => {
  const link = links['COMM-010'];
  const newer = link.contracts.map((contract) => ({ ...contract, version: 1 }));
  const refusalOf = (contracts: LinkDefinition['contracts']) => {
    try {
      defineLinks([{ ...link, contracts }]);
    } catch (error) {
      assert.ok(error instanceof LinkDefinitionError);
      return error.message;
    }
    return assert.fail('it is taken');
  };
  assert.equal(
    refusalOf([...link.contracts, newer[0]!]),
    'COMM-010: ManagerCreated is listed at versions 0 and 1, ' +
      'and a link cannot move from one to the other yet; list version 0 only',
  );
  assert.match(
    refusalOf([link.contracts[0]!, newer[1]!]),
    /ManagerUpdated is listed at version 1;/,
  );
});
