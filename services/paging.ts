/**
 * Pages of lists: a token is the key of the page's last entry, opaque to callers. And of an entity's
 * rows, as the link kit asks for them.
 */

import { and, gt, type SQL } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import { invalidField } from 'relink/rpc';
import { isOneOf } from 'relink/runtime';

/** A page when the caller names no size; the contracts allow 1,000. */
const DEFAULT_PAGE = 50;
/** Before every id: the first page. */
export const BEFORE_ALL_IDS = '00000000-0000-0000-0000-000000000000';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SEQ = /^\d{1,18}$/;

interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface Page<Key> {
  readonly after: Key;
  readonly limit: number;
}

/** The page of a list in the order of ids. Throws RpcError INVALID_ARGUMENT for a foreign token. */
export function pageById(request: PageRequest): Page<string> {
  return { after: keyOf(request, UUID) ?? BEFORE_ALL_IDS, limit: limitOf(request) };
}

/** The page of a list in the order of sequence numbers. Throws like `pageById`. */
export function pageBySeq(request: PageRequest): Page<bigint> {
  return { after: BigInt(keyOf(request, SEQ) ?? 0), limit: limitOf(request) };
}

/**
 * Rows after a key, or only those named: what an EntitySource is asked for. Throws RpcError
 * INVALID_ARGUMENT for a key that no entity can have.
 */
export function isWanted(
  key: AnyPgColumn<{ data: string }>,
  { afterKey, keys }: { readonly afterKey: string; readonly keys: readonly string[] },
): SQL | undefined {
  if (afterKey && !UUID.test(afterKey)) throw invalidField('after_key', 'is not a UUID');
  if (!keys.every((one) => UUID.test(one))) throw invalidField('keys', 'must be UUIDs');
  return and(
    afterKey ? gt(key, afterKey) : undefined,
    keys.length > 0 ? isOneOf(key, keys) : undefined,
  );
}

/** The token of the page after this key: empty when there is none. */
export function tokenOf(next: string | bigint | undefined): string {
  return next === undefined ? '' : Buffer.from(String(next)).toString('base64url');
}

function limitOf({ pageSize }: PageRequest): number {
  return pageSize || DEFAULT_PAGE;
}

function keyOf({ pageToken }: PageRequest, form: RegExp): string | undefined {
  if (pageToken === '') return undefined;
  const key = Buffer.from(pageToken, 'base64url').toString();
  if (!form.test(key)) throw invalidField('page_token', 'is not a token of a page of this list');
  return key;
}
