/**
 * Epochs of a leg that others than its producer know: its database may have gone back to a state before
 * them. An epoch that is given a second time is one that late messages of the first may still have, that
 * the consumer may refuse, and that has its certificate already.
 */
import type { LaneRoute } from '../../gen/relink/v1/route_pb.ts';
import { RpcCallError } from '../../rpc/errors.ts';
import { REPEATABLE } from '../participants.ts';
import type { StepContext } from '../plan.ts';
import { readInbox } from './digests.ts';

export interface KnownEpochs {
  readonly aboveEpoch: bigint;
  /** Of the lanes that are behind their consumer's fence, the highest; 0 where none is. */
  readonly fence: bigint;
}

export async function readKnownEpochs(
  context: StepContext,
  consumer: string,
  lanes: readonly LaneRoute[],
): Promise<KnownEpochs> {
  const certified = await context.certificates.certified(context.run.link, consumer);
  const { fences, settled } = await askConsumer(context, consumer);
  const behind = lanes.flatMap(({ lane, epoch }) => {
    const fence = fences.get(lane) ?? 0n;
    return epoch < fence ? [fence] : [];
  });
  const all = [...certified].map(BigInt).concat(settled, [...fences.values()]);
  return { aboveEpoch: highest(all), fence: highest(behind) };
}

async function askConsumer({ run, participants }: StepContext, consumer: string) {
  const { link } = run;
  const client = participants.of(consumer);
  try {
    const [{ lanes }, inbox] = await Promise.all([
      client.getFences({ link }, REPEATABLE),
      readInbox(client, link),
    ]);
    const fences = new Map(lanes.map(({ lane, minEpoch }) => [lane, minEpoch]));
    return { fences, settled: inbox.map(({ epoch }) => epoch) };
  } catch (error) {
    // Going back must not need a consumer that may be the broken one; a build of before has no fences to tell.
    const isOptional = error instanceof RpcCallError && run.direction === 'back';
    if (!isOptional && !isOfBefore(error)) throw error;
    return { fences: new Map<number, bigint>(), settled: [] };
  }
}

function isOfBefore(error: unknown): boolean {
  return error instanceof RpcCallError && error.code === 'UNIMPLEMENTED';
}

function highest(epochs: readonly bigint[]): bigint {
  return epochs.toSorted((a, b) => Number(a - b)).at(-1) ?? 0n;
}
