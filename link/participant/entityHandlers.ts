/**
 * The participant API for the rows of a replicated entity, on the owner's side and on a replica's.
 */
import type { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { LinkError } from '../errors.ts';
import type { ParticipantOptions } from './context.ts';
import { digestEntity, type EntityTable, entityOf, listBucket } from './entity.ts';

type Methods = 'getEntityDigest' | 'listEntityBucket';

const DEFAULT_BUCKETS = 256;

export function entityHandlers(
  options: ParticipantOptions,
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
    listEntityBucket: async ({ link, buckets, bucket }) => ({
      rows: await listBucket(options.sql, entityFor(link), buckets || DEFAULT_BUCKETS, bucket),
    }),
  };
}
