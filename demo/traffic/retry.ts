/** One call of a careful caller: repeated when its answer is lost, refused ones told apart. */
import { RpcCallError } from '../../rpc/client.ts';
import { pause } from '../../runtime/wake.ts';

/** Tries of one call; the client takes the next replica each time. */
const MAX_TRIES = 6;
/** Before the second try; twice as long before each further one: a service restarts meanwhile. */
const FIRST_PAUSE_MS = 50;

/** How one call went. */
export type CallResult<A = unknown> = {
  readonly answer?: A;
  /** The calls that it took. */
  readonly tries: number;
  /** How far the messages had come when the call was answered. */
  readonly deliveries: readonly { link: string; consumer: string; state: string }[];
  /** Refused because a service has not heard yet of what another one knows: it may be asked later. */
  readonly isNotYet: boolean;
  /** A try was not answered, and none told of the effect: it may be there or not. */
  readonly isUnknown: boolean;
  readonly error?: RpcCallError;
};

export type CallRules = {
  /** The reason that means "not yet" here. */
  readonly notYet?: string;
  /** Hears of every try without an answer. */
  readonly onLost?: () => void;
};

type Answered = { deliveries?: { link: string; consumer: string; state: string }[] };

/** Rejects only for errors that are none of the call's. */
export async function callRepeatedly<A extends object>(
  send: () => Promise<A>,
  { notYet, onLost }: CallRules = {},
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
        onLost?.();
      }
      const isNotYet = !isLost && error.reason !== undefined && error.reason === notYet;
      if (isOver) return { tries, deliveries: [], isNotYet, isUnknown: isLost, error };
      await pause(FIRST_PAUSE_MS * 2 ** (tries - 1));
    }
  }
}
