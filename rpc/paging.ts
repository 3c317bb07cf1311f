/**
 * Pages of lists end by count or by bytes, whichever comes first: an answer above gRPC's 4 MiB would
 * reach nobody.
 */
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { encode } from './definition.ts';

/** Well below gRPC's limit: what else is in an answer, and what a proxy adds, has room. */
export const PAGE_BYTES = 2 ** 20;
/** Rows read at once: a page of many small rows takes a few reads, one of large rows little memory. */
const READ_AT_ONCE = 100;

export interface Listing<Row, Key, Entry extends DescMessage> {
  /** The key before the page's first row. */
  readonly after: Key;
  /** Rows at most. */
  readonly limit: number;
  /** Up to `limit` rows after a key, in the order of their keys. */
  readonly read: (page: { readonly after: Key; readonly limit: number }) => Promise<readonly Row[]>;
  readonly keyOf: (row: Row) => Key;
  readonly entry: Entry;
  readonly toWire: (row: Row) => MessageInitShape<Entry>;
}

export interface ReadPage<Key, Entry extends DescMessage> {
  readonly entries: MessageInitShape<Entry>[];
  /** The key to go on after; undefined when this was the last page. */
  readonly next: Key | undefined;
}

/** Reads one page. A row that is larger than a page comes alone. */
export async function readPage<Row, Key, Entry extends DescMessage>(
  listing: Listing<Row, Key, Entry>,
): Promise<ReadPage<Key, Entry>> {
  const { limit, read, keyOf, entry, toWire } = listing;
  const entries: MessageInitShape<Entry>[] = [];
  let { after } = listing;
  for (let bytes = 0; ; ) {
    const asked = Math.min(limit - entries.length, READ_AT_ONCE);
    const rows = await read({ after, limit: asked });
    for (const row of rows) {
      const one = toWire(row);
      bytes += encode(entry, one).length;
      if (entries.length > 0 && bytes > PAGE_BYTES) return { entries, next: after };
      entries.push(one);
      after = keyOf(row);
    }
    if (rows.length < asked) return { entries, next: undefined };
    if (entries.length === limit) return { entries, next: after };
  }
}
