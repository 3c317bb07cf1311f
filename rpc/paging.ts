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

/** Some entries of a list, and the key to go on after; undefined at the end of the list. */
export interface Part<Key, Entry> {
  readonly entries: readonly Entry[];
  readonly next: Key | undefined;
}

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
  /** For reads that cost the same however few rows they give. */
  readonly readAtOnce?: number;
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
  const { limit, read, keyOf, entry, toWire, readAtOnce = READ_AT_ONCE } = listing;
  const entries: MessageInitShape<Entry>[] = [];
  let { after } = listing;
  for (let bytes = 0; ; ) {
    const asked = Math.min(limit - entries.length, readAtOnce);
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

/**
 * Follows the pages of a list to its end, or until there are `limit` entries. `ask` gets the key to go
 * on after, undefined at first, and how many entries are still wanted.
 */
export async function followPages<Key, Entry>(
  ask: (after: Key | undefined, wanted: number) => Promise<Part<Key, Entry>>,
  limit = Infinity,
): Promise<Part<Key, Entry>> {
  const entries: Entry[] = [];
  let next: Key | undefined;
  do {
    const page = await ask(next, limit - entries.length);
    for (const entry of page.entries) entries.push(entry);
    next = page.next;
  } while (next !== undefined && entries.length < limit);
  return { entries, next };
}
