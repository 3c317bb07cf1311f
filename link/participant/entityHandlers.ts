/**
 * The participant API for the rows of a replicated entity, on the owner's side and on a replica's.
 */
import { EntityRowSchema, type LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { readPage } from '../../rpc/paging.ts';
import { LinkError } from '../errors.ts';
import type { ParticipantOptions } from './context.ts';
import { digestEntity, type EntityTable, entityOf, listBucket } from './entity.ts';

type Methods = 'getEntityDigest' | 'listEntityBucket';

const DEFAULT_BUCKETS = 256;
/** Each read goes through the whole table. */
const ROWS_PER_PAGE = 10_000;

export function entityHandlers(
  options: Pick<ParticipantOptions, 'sql' | 'sources' | 'replicas'>,
): Pick<Handlers<typeof LinkParticipant>, Methods> {
  const entityFor = (link: string): EntityTable => {
    const replica = options.replicas?.[link];
    const entity = options.sources?.[link] ?? (replica && entityOf(replica));
    if (!entity)
      throw new LinkError('UNKNOWN_LINK', `${link} does not replicate an entity of this service`);
    return entity;
  };
  return {
    getEntityDigest: async ({ link, buckets }) => {
      const digests = await digestEntity(options.sql, entityFor(link), buckets || DEFAULT_BUCKETS);
      return {
        buckets: digests.map(({ bucket, count, sum }) => ({
          bucket,
          digest: { count: BigInt(count), sum },
        })),
      };
    },
    listEntityBucket: async ({ link, buckets, bucket, afterKey }) => {
      const entity = entityFor(link);
      const wanted = { buckets: buckets || DEFAULT_BUCKETS, bucket };
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
  };
}
