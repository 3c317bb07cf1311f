/**
 * What an epoch carried and was not applied: its certificate says how many, and names some. Dead
 * letters that a person discarded; on functional links also what was superseded, because no later
 * message says what it said.
 */
import { type InboxLaneDigest, LinkKind } from '../../gen/relink/v1/participant_pb.ts';
import { RpcCallError } from '../../rpc/errors.ts';
import type { ClosingStatement, Exceptions, NamedException } from '../certificate.ts';
import { REPEATABLE } from '../participants.ts';
import type { StepContext } from '../plan.ts';

/** Ids in one certificate. */
const NAMED = 100;

type Outcomes = Pick<InboxLaneDigest, 'dead' | 'superseded'>;

/** The statement with its exceptions, if it has any. */
export async function withExceptions(
  context: StepContext,
  statement: ClosingStatement,
): Promise<ClosingStatement> {
  const { lanes } = statement;
  const count = (outcome: keyof Outcomes) =>
    lanes.reduce((sum, { outcomes }) => sum + outcomes[outcome], 0);
  const dead = count('dead');
  const superseded = (await isFunctional(context)) ? count('superseded') : 0;
  if (dead + superseded === 0) return statement;
  const messages = await nameSome(context, statement, { dead, superseded });
  return { ...statement, exceptions: { dead, superseded, messages } };
}

async function isFunctional({ run, participants }: StepContext): Promise<boolean> {
  const { produces } = await participants.of(run.producer).describe({}, REPEATABLE);
  return produces.find(({ id }) => id === run.link)?.kind === LinkKind.FUNCTIONAL;
}

async function nameSome(
  { run, participants }: StepContext,
  { consumer, epoch }: ClosingStatement,
  { dead, superseded }: Pick<Exceptions, 'dead' | 'superseded'>,
): Promise<NamedException[]> {
  const outcomes = [...(dead > 0 ? ['dead'] : []), ...(superseded > 0 ? ['superseded'] : [])];
  const request = { link: run.link, epoch: BigInt(epoch), limit: NAMED, outcomes };
  try {
    const { messages } = await participants.of(consumer).listExceptions(request, REPEATABLE);
    return messages.map(({ eventId, lane, outcome }) => ({ event_id: eventId, lane, outcome }));
  } catch (error) {
    // A build of before counts them and names none.
    if (error instanceof RpcCallError && error.code === 'UNIMPLEMENTED') return [];
    throw error;
  }
}
