import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { PhrasesSchema } from '../../gen/relink/v1/participant_pb.ts';
import { withoutAliasOfOthers } from './phrases.ts';

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
