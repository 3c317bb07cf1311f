import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RpcError } from 'relink/rpc';
import { nextPageToken, pageById, pageBySeq } from './paging.ts';

test('pages of any size together give every row once, in order', () => {
  const rows = fc.uniqueArray(fc.bigInt(1n, 10n ** 15n), { maxLength: 40 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 10 }), (seqs, pageSize) => {
      const sorted = seqs.sort((a, b) => (a < b ? -1 : 1));
      const seen: bigint[] = [];
      let pageToken = '';
      do {
        const { after, limit } = pageBySeq({ pageSize, pageToken });
        const page = sorted.filter((seq) => seq > after).slice(0, limit);
        seen.push(...page);
        pageToken = nextPageToken(page, limit, String);
      } while (pageToken !== '');
      assert.deepEqual(seen, sorted);
    }),
  );
});

test('a token of another list, or a made-up one, is an invalid argument', () => {
  const bySeq = nextPageToken([1n], 1, String);
  const tokens = [bySeq, 'x', Buffer.from("' or 1=1").toString('base64url')];
  for (const pageToken of tokens)
    assert.throws(() => pageById({ pageSize: 1, pageToken }), RpcError);
});
