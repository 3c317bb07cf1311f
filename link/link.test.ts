import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { links } from '../services/links.ts';
import type { Contract } from './contracts/contract.ts';
import type { Mapping } from './contracts/mapping.ts';
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

test('every version of an event must lead to its newest, from the first route on', () => {
  const link = links['COMM-010'];
  const [created, updated] = (link.mappings ?? []).map(({ older }) => older) as [
    Contract,
    Contract,
  ];
  const at = (contract: Contract, version: number) => ({ ...contract, version });
  const mapping = (contract: Contract, from: number, to: number) =>
    ({ older: at(contract, from), newer: at(contract, to) }) as unknown as Mapping;
  const refusalOf = (contracts: readonly Contract[], mappings: readonly Mapping[]) => {
    try {
      defineLinks([{ ...link, contracts, mappings } as unknown as LinkDefinition]);
    } catch (error) {
      assert.ok(error instanceof LinkDefinitionError);
      return error.message;
    }
    return 'taken';
  };
  const both = [at(created, 1), updated];
  assert.equal(refusalOf(both, [mapping(created, 0, 1)]), 'taken');
  assert.match(
    refusalOf([created, at(created, 1), updated], []),
    /ManagerCreated is listed at versions 0 and 1; list the newest, and a mapping from each older/,
  );
  assert.match(refusalOf(both, []), /ManagerCreated is listed from version 1; add a mapping from/);
  assert.match(
    refusalOf([at(created, 2), updated], [mapping(created, 0, 1)]),
    /ManagerCreated has no mapping from v1 to v2/,
  );
  assert.match(
    refusalOf(both, [mapping(created, 0, 1), mapping(created, 0, 1)]),
    /ManagerCreated v1 has more than one mapping to it/,
  );
  assert.match(
    refusalOf([updated], [mapping(created, 0, 1)]),
    /it has a mapping of ManagerCreated, which it does not carry/,
  );
});

test('events may come flat only where a stream brings them, and in any order', () => {
  const refusalOf = (id: keyof typeof links, flat: string[]) => {
    try {
      defineLinks([{ ...links[id], flat } as unknown as LinkDefinition]);
    } catch (error) {
      return (error as Error).message;
    }
    return 'taken';
  };
  assert.equal(refusalOf('COMM-070', ['AssessmentAssigned']), 'taken');
  assert.match(refusalOf('COMM-070', ['Assigned']), /takes Assigned flat, which it does not carry/);
  assert.match(refusalOf('COMM-080', ['CreditToAccount']), /never async\n.*it is ordered/);
});
