import type { LinkDescription } from '../../gen/relink/v1/participant_pb.ts';
import { compareSchemas } from '../../link/contracts/compatibility.ts';
import { ContractError } from '../../link/contracts/contractError.ts';
import type { JsonSchema } from '../../link/contracts/jsonSchema.ts';
import { carriedVersion } from '../../link/versions.ts';
import type { Measure, Reading } from '../plan.ts';

/**
 * Both sides know the contract version of the new route, and the consumer accepts all it allows.
 */
export const contract: Measure = {
  name: 'contract compatible',
  unanswered: 'fail',
  read: async ({ run, participants }) => {
    const link = await participants.link(run.link);
    return run.consumers.map((consumer): Reading => {
      const consumed = link?.consumers.get(consumer);
      const what = `contract v${run.to.version} at ${consumer}`;
      const threshold = 'accepts every event the producer may send';
      if (!link || !consumed) return { what, verdict: 'wait', value: 'no answer', threshold };
      const problems = findIncompatibilities(link.producer, consumed, run.to.version);
      const verdict = problems.length === 0 ? 'pass' : 'fail';
      return { what, verdict, value: problems.join('; ') || 'accepted', threshold };
    });
  },
};

/** Why the consumer cannot take the producer's events at this version; none when it can. */
export function findIncompatibilities(
  producer: LinkDescription,
  consumer: LinkDescription,
  version: number,
): string[] {
  return producer.events.flatMap((event) => {
    const travels = carriedVersion(event.versions, version);
    const written = travels === undefined ? undefined : schemaOf(event, travels);
    if (travels === undefined || !written)
      return [`${event.name} has no version up to v${version}`];
    const accepted = consumer.events.find(({ name }) => name === event.name);
    const read = accepted && schemaOf(accepted, travels);
    if (!read) return [`${event.name} v${travels} is not accepted`];
    return refusals(read, written).map((refusal) => `${event.name} v${travels}: ${refusal}`);
  });
}

/** A schema that cannot be compared is not known to be compatible. */
function refusals(read: JsonSchema, written: JsonSchema): string[] {
  try {
    return compareSchemas(read, written)
      .filter(({ direction }) => direction === 'forward')
      .map(({ field, problem }) => `${field} ${problem}`);
  } catch (error) {
    if (error instanceof ContractError) return [error.message];
    throw error;
  }
}

function schemaOf(event: LinkDescription['events'][number], version: number) {
  const text = event.schemas[event.versions.indexOf(version)];
  return text === undefined ? undefined : (JSON.parse(text) as JsonSchema);
}
