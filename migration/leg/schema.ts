/** What services say of the schemas of their databases. */
import type { GetSchemaResponse } from '../../gen/relink/v1/participant_pb.ts';
import { RpcCallError } from '../../rpc/client.ts';
import { type ParticipantClient, REPEATABLE } from '../participants.ts';

/** Lets a process make the changes that its build needs; returns the names of those made now. */
export async function makeMissing(process: ParticipantClient): Promise<string[]> {
  try {
    return (await process.expandSchema({}, REPEATABLE)).made.map(({ name }) => name);
  } catch (error) {
    if (isWithoutSchema(error)) return [];
    throw error;
  }
}

/** The changes that were made, and those that are due; nothing where a build knows no schema. */
export async function readSchema(
  service: ParticipantClient,
  link: string,
): Promise<Pick<GetSchemaResponse, 'changes' | 'due'>> {
  try {
    return await service.getSchema({ link }, REPEATABLE);
  } catch (error) {
    if (isWithoutSchema(error)) return { changes: [], due: [] };
    throw error;
  }
}

/** An older build does not know the call, and a service may look after its schema by itself. */
function isWithoutSchema(error: unknown): boolean {
  if (!(error instanceof RpcCallError)) return false;
  return error.code === 'UNIMPLEMENTED' || error.reason === 'LINK_NOT_MOVABLE';
}
