/**
 * The participant API for the rows of a replicated entity, on the owner's side and on a replica's.
 */
import { EntityRowSchema, type LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import { invalidField } from '../../rpc/errors.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { readPage } from '../../rpc/paging.ts';
import { LinkError } from '../errors.ts';
import type { ParticipantOptions } from './context.ts';
import { countEntities, digestEntity, type EntityTable, entityOf, listBucket } from './entity.ts';
import { storeRows } from './storing.ts';

type Methods = 'getEntityDigest' | 'listEntityBucket' | 'storeRows';

const DEFAULT_BUCKETS = 256;
/** Short transactions: live traffic waits for the locks of a page at most. */
const STORED_AT_ONCE = 1_000;
/** Each read goes through the whole table. */
const ROWS_PER_PAGE = 10_000;

/** What has the name of a link, and not of something that every object has. */
function ownOf<T>(all: Readonly<Record<string, T>> | undefined, link: string): T | undefined {
  return all && Object.hasOwn(all, link) ? all[link] : undefined;
}

/** PostgreSQL's class 22: the text is no value of the key's type. */
function ifNoKey(error: unknown): never {
  const { code = '' } = error as { code?: string };
  if (code.startsWith('22')) throw invalidField('after_key', 'is no key of this table');
  throw error;
}

export function entityHandlers(
  options: Pick<ParticipantOptions, 'sql' | 'sources' | 'replicas'>,
): Pick<Handlers<typeof LinkParticipant>, Methods> {
  const entityFor = (link: string): EntityTable => {
    const replica = ownOf(options.replicas, link);
    const entity = ownOf(options.sources, link) ?? (replica && entityOf(replica));
    if (!entity)
      throw new LinkError('UNKNOWN_LINK', `${link} does not replicate an entity of this service`);
    return entity;
  };
  return {
    getEntityDigest: async ({ link, buckets, ...terms }) => {
      const entity = entityFor(link);
      const digests = await digestEntity(options.sql, entity, buckets || DEFAULT_BUCKETS, terms);
      return {
        buckets: digests.map(({ bucket, count, sum }) => ({
          bucket,
          digest: { count: BigInt(count), sum },
        })),
      };
    },
    listEntityBucket: async ({ link, buckets, bucket, afterKey, version, asStored }) => {
      const entity = entityFor(link);
      const wanted = { buckets: buckets || DEFAULT_BUCKETS, bucket, version, asStored };
      const { entries, next } = await readPage({
        after: afterKey,
        limit: ROWS_PER_PAGE,
        readAtOnce: ROWS_PER_PAGE,
        read: (page) => listBucket(options.sql, entity, { ...wanted, ...page }),
        keyOf: ({ key }) => key,
        entry: EntityRowSchema,
        toWire: (row) => row,
      });
      return { rows: entries, nextKey: next ?? '' };
    },
    storeRows: async ({ link, version, afterKey, limit }) => {
      const entity = entityFor(link);
      const page = { version, after: afterKey, limit: limit || STORED_AT_ONCE };
      const { stored, left, next } = await storeRows(options.sql, entity, page).catch(ifNoKey);
      // Counting goes through the whole table, so only the first page does it.
      const total = afterKey === '' ? await countEntities(options.sql, entity) : 0;
      return { stored, left, nextKey: next ?? '', total: BigInt(total) };
    },
  };
}
