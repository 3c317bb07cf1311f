import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ReadPage, RpcError, readPage } from 'relink/rpc';
import { TransferSchema } from '../gen/finance/v1/finance_service_pb.ts';
import { pageById, pageBySeq, tokenOf } from './paging.ts';

test('pages of any size together give every row once, in order', async () => {
  const rows = fc.uniqueArray(fc.bigInt(1n, 10n ** 15n), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 10 }), async (seqs, pageSize) => {
      const sorted = seqs.sort((a, b) => (a < b ? -1 : 1));
      const seen: bigint[] = [];
      let pageToken = '';
      do {
        const { entries, next } = await readPage({
          ...pageBySeq({ pageSize, pageToken }),
          read: async ({ after, limit }) => sorted.filter((seq) => seq > after).slice(0, limit),
          keyOf: (seq) => seq,
          entry: TransferSchema,
          toWire: (seq) => ({ amountMinor: seq }),
        });
        assert.ok(entries.length <= pageSize);
        seen.push(...entries.map(({ amountMinor }) => amountMinor!));
        pageToken = tokenOf(next);
      } while (pageToken !== '');
      assert.deepEqual(seen, sorted);
    }),
  );
});

test('a token of another list, or a made-up one, is an invalid argument', () => {
  const bySeq = tokenOf(1n);
  const tokens = [bySeq, 'x', Buffer.from("' or 1=1").toString('base64url')];
  for (const pageToken of tokens)
    assert.throws(() => pageById({ pageSize: 1, pageToken }), RpcError);
});

test('a page ends before its bytes are too many, and a row that is too large comes alone', async () => {
  const sizes = [400, 400, 400, 3_000, 1, 1].map((kilobytes) => kilobytes * 1_000);
  const pages: number[] = [];
  let after: number | undefined = -1;
  while (after !== undefined) {
    const { entries, next }: ReadPage<number, typeof TransferSchema> = await readPage({
      after,
      limit: 1_000,
      read: async (page) => [...sizes.keys()].slice(page.after + 1, page.after + 1 + page.limit),
      keyOf: (at) => at,
      entry: TransferSchema,
      toWire: (at) => ({ link: 'x'.repeat(sizes[at]!) }),
    });
    pages.push(entries.length);
    after = next;
  }
  assert.deepEqual(pages, [2, 1, 1, 2]);
});
