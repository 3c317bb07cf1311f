import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { PhrasesSchema } from '../../gen/relink/v1/participant_pb.ts';
import { notSoughtOf, withoutAliasOfOthers } from './phrases.ts';

const entity = (alias: string, hashes: string[]) => create(PhrasesSchema, { alias, hashes });

test('what several entities are called gets nobody’s alias', () => {
  const apart = withoutAliasOfOthers([
    entity('calm-otter', ['ada lovelace', 'last_name lovelace']),
    entity('lucky-eider', ['mary lovelace', 'last_name lovelace']),
    entity('noble-linnet', ['emmy noether']),
  ]);
  assert.deepEqual(
    apart.map(({ alias, hashes }) => [alias, hashes]),
    [
      ['calm-otter', ['ada lovelace']],
      ['lucky-eider', ['mary lovelace']],
      ['noble-linnet', ['emmy noether']],
      ['', ['last_name lovelace']],
    ],
  );
});

test('however many share them, no entity has more phrases than a call takes', () => {
  const many = Array.from({ length: 2_500 }, (_, i) => `phrase ${i}`);
  const apart = withoutAliasOfOthers([entity('calm-otter', many), entity('lucky-eider', many)]);
  assert.deepEqual(
    apart.map(({ hashes }) => hashes.length),
    [0, 0, 1_000, 1_000, 500],
  );
});

test('people whose names nobody can look for are told by number, reason and id, and not as sought', () => {
  const lost = create(PhrasesSchema, { hashes: ['first_name a'], notSought: 'id-3000' });
  const { count, told } = notSoughtOf([entity('calm-otter', ['ada lovelace']), lost]);
  assert.equal(count, 1);
  assert.match(told.join(), /^free text: names of 1 entities \(initials, or one word .*: id-3000$/);
  assert.deepEqual(notSoughtOf([entity('calm-otter', ['ada lovelace'])]), { count: 0, told: [] });
});
