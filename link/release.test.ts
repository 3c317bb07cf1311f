import assert from 'node:assert/strict';
import { test } from 'node:test';
import { links } from '../services/links.ts';
import type { LinkDefinition } from './link.ts';
import { parseReleases, releasedAs } from './release.ts';
import { contractAt, readableContract, versionsOf, writesOf } from './versions.ts';

const [older] = links['COMM-050'].contracts;
const newer = { ...older!, version: 1 };
const link = {
  ...links['COMM-050'],
  contracts: [newer],
  mappings: [{ older, newer }],
} as unknown as LinkDefinition;
const { event } = newer;

test('a build reads and writes the newest version unless it is told otherwise', () => {
  assert.deepEqual(versionsOf(link), [0, 1]);
  assert.equal(writesOf(link), 1);
  assert.equal(readableContract(link, event, 1), newer);
  assert.equal(releasedAs(link, parseReleases('').get(link.id)), link);
});

test('a release may read a version that it does not write yet', () => {
  const release = parseReleases('COMM-010=v0/v0, COMM-050=v1/v0').get('COMM-050');
  const between = releasedAs(link, release);
  assert.equal(readableContract(between, event, 1), newer);
  assert.equal(contractAt(between, event, writesOf(between)), older);
  const before = releasedAs(link, parseReleases('COMM-050=v0/v0').get('COMM-050'));
  assert.equal(readableContract(before, event, 1), undefined);
});

for (const [text, problem] of [
  ['COMM-050', /COMM-050 is not like COMM-040=v1\/v0/],
  ['COMM-050=1/0', /is not like/],
  ['COMM-050=v0/v1', /must read what it writes/],
] as const)
  test(`the release ${text} is refused`, () => {
    assert.throws(() => parseReleases(text), { code: 'INVALID_RELEASE', message: problem });
  });

test('a release of a version that the map does not list is refused', () => {
  const release = parseReleases('COMM-050=v2/v1').get('COMM-050');
  const problem = { code: 'INVALID_RELEASE', message: /has no version 2, only 0, 1/ };
  assert.throws(() => releasedAs(link, release), problem);
});
