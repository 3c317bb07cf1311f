/** The participant API for the schema of the service's database. */
import type { LinkParticipant } from '../../gen/relink/v1/participant_pb.ts';
import type { Handlers } from '../../rpc/handlers.ts';
import { CodedError } from '../../runtime/errors.ts';
import type { Schema, SchemaChange } from '../../runtime/postgresSchema.ts';
import { LinkError } from '../errors.ts';
import { findLink, type ParticipantOptions } from './context.ts';

type Methods = 'getSchema' | 'expandSchema' | 'contractSchema';

export function schemaHandlers(
  options: Pick<ParticipantOptions, 'schema' | 'removals' | 'produced' | 'consumed'>,
): Pick<Handlers<typeof LinkParticipant>, Methods> {
  const requireSchema = (): Schema => {
    if (options.schema) return options.schema;
    throw new LinkError('NOT_MOVABLE', 'this service has given the kit no schema to change');
  };
  const removalsOf = (id: string) => {
    const link = findLink([...options.produced, ...options.consumed], id);
    return Object.entries(options.removals?.[link.id] ?? {}).flatMap(([version, names]) =>
      names.map((name) => ({ version: Number(version), name })),
    );
  };
  return {
    getSchema: async ({ link }) => {
      const changes = (await options.schema?.list()) ?? [];
      const made = new Set(changes.filter(({ removes }) => removes).map(({ name }) => name));
      const due = removalsOf(link).map((one) => ({ ...one, made: made.has(one.name) }));
      return { changes: changes.map(toWire), due };
    },
    expandSchema: async () => ({ made: (await requireSchema().expand()).map(toWire) }),
    contractSchema: async ({ link, version }) => {
      const made: string[] = [];
      for (const one of removalsOf(link).filter((removal) => removal.version <= version))
        if (await requireSchema().contract(one.name).catch(inWords)) made.push(one.name);
      return { made };
    },
  };
}

/** What the database holds against the change is for a person to mend. */
function inWords(error: unknown): never {
  if (error instanceof CodedError && error.code === 'SCHEMA_CHANGE_FAILED')
    throw new LinkError('NOT_MOVABLE', error.message, { cause: error });
  throw error;
}

function toWire({ madeAt, ...change }: SchemaChange) {
  return { ...change, madeAt: madeAt?.toISOString() ?? '' };
}
