/** Retries a call whose answer is lost, and tells a refusal from an unknown outcome. */
import { RpcCallError } from '../../rpc/client.ts';
import { pause } from '../../runtime/wake.ts';

/** Attempts of one call; the client takes the next replica each time. */
const MAX_TRIES = 6;
/** Before the second attempt; doubled before each further one, so that a service can restart. */
const FIRST_PAUSE_MS = 50;

/** The outcome of one call. */
export interface CallResult<A = unknown> {
  readonly answer?: A;
  /** Attempts that it took. */
  readonly tries: number;
  /** Where the messages were when the call was answered. */
  readonly deliveries: readonly { link: string; consumer: string; state: string }[];
  /** Refused because a change has not reached that service yet: it may be asked again later. */
  readonly isNotYet: boolean;
  /** No attempt was acknowledged and one had no answer: the effect may have happened or not. */
  readonly isUnknown: boolean;
  readonly error?: RpcCallError;
}

export interface RetryOptions {
  /** The error reason that means "not yet" for this call. */
  readonly notYet?: string;
  /** Called for every attempt without an answer. */
  readonly onLostAnswer?: () => void;
}

interface Answered {
  deliveries?: { link: string; consumer: string; state: string }[];
}

/** Rejects only for errors that are not the call's own. */
export async function callWithRetries<A extends object>(
  send: () => Promise<A>,
  { notYet, onLostAnswer }: RetryOptions = {},
): Promise<CallResult<A>> {
  let isLost = false;
  for (let tries = 1; ; tries++) {
    try {
      const answer = await send();
      const { deliveries = [] } = answer as Answered;
      return { answer, tries, deliveries, isNotYet: false, isUnknown: false };
    } catch (error) {
      if (!(error instanceof RpcCallError)) throw error;
      const isOver = error.outcome !== 'unknown' || tries >= MAX_TRIES;
      if (error.outcome === 'unknown') {
        isLost = true;
        onLostAnswer?.();
      }
      const isNotYet = !isLost && error.reason !== undefined && error.reason === notYet;
      if (isOver) return { tries, deliveries: [], isNotYet, isUnknown: isLost, error };
      await pause(FIRST_PAUSE_MS * 2 ** (tries - 1));
    }
  }
}
