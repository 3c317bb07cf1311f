/** What the processes that answer now say of the contracts they write and read. */
import type { DescribeResponse, LinkDescription } from '../../gen/relink/v1/participant_pb.ts';
import type { JsonSchema } from '../../link/contracts/jsonSchema.ts';
import { schemaHash } from '../../link/contracts/schemaHash.ts';
import type { Participants, Unanswered } from '../../migration/participants.ts';

export type Side = 'producer' | 'consumer';

/** One process, and one contract that it writes or reads on one link. */
export interface Sighting {
  readonly link: string;
  readonly event: string;
  readonly version: number;
  readonly service: string;
  readonly instance: string;
  readonly side: Side;
  readonly hash: string;
  /** Its JSON text. */
  readonly schema: string;
}

export interface Look {
  readonly sightings: readonly Sighting[];
  /** Processes that do not answer. */
  readonly silent: readonly Unanswered[];
}

export async function lookAround(participants: Participants): Promise<Look> {
  const all = await Promise.all(
    participants.services.map(async (service) => {
      const replicas = await participants.replicas(service);
      return replicas.map((replica) => ({ service, ...replica }));
    }),
  );
  const replicas = all.flat();
  return {
    sightings: replicas.flatMap(({ description }) => (description ? sightingsOf(description) : [])),
    silent: replicas
      .filter(({ description }) => description === undefined)
      .map(({ service, address }) => ({ service, why: `no answer at ${address}` })),
  };
}

function sightingsOf(process: DescribeResponse): Sighting[] {
  return [
    ...process.produces.flatMap((link) => contractsOf(process, link, 'producer')),
    ...process.consumes.flatMap((link) => contractsOf(process, link, 'consumer')),
  ];
}

function contractsOf(
  { service, instance }: DescribeResponse,
  { id, events }: LinkDescription,
  side: Side,
): Sighting[] {
  return events.flatMap(({ name, versions, schemas }) =>
    versions.map((version, i) => {
      const schema = schemas[i]!;
      const hash = schemaHash(JSON.parse(schema) as JsonSchema);
      return { link: id, event: name, version, service, instance, side, hash, schema };
    }),
  );
}
