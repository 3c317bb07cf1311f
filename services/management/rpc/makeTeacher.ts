/** Hiring owns candidates, so it is told of a promotion before management notes it. */
import { RpcCallError, type RpcClient, RpcError, unknownId } from 'relink/rpc';
import type { HiringService } from '../../../gen/hiring/v1/hiring_service_pb.ts';

export type TellHiring = Pick<RpcClient<typeof HiringService>, 'makeTeacher'>;

/** Hiring waits up to a second for the receipts of its own message. */
const TELL_DEADLINE_MS = 3_000;

/** Repeated it changes nothing. Rejects when hiring does not answer: it may have done it or not. */
export async function makeTeacher(hiring: TellHiring, candidateId: string) {
  try {
    // It may happen twice, so another replica of hiring may be asked.
    const options = { deadlineMs: TELL_DEADLINE_MS, retryUnavailable: true };
    return await hiring.makeTeacher({ candidateId }, options);
  } catch (error) {
    if (error instanceof RpcCallError) throw refusalOf(error) ?? error;
    throw error;
  }
}

function refusalOf(cause: RpcCallError): RpcError | undefined {
  if (cause.code === 'NOT_FOUND') return unknownId('candidate_id', 'candidate at hiring');
  if (cause.code !== 'UNIMPLEMENTED') return undefined;
  const what = 'hiring runs a release that cannot make teachers yet; try again when it is updated';
  return new RpcError('UNAVAILABLE', 'UNAVAILABLE', what, { cause });
}
