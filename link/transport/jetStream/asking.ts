/**
 * Receipts asked for over core NATS. The usual way is `GetReceipts`; but where a consumer's gRPC port
 * cannot be reached from here and the broker can, an `async` link would stand still with a full window
 * as soon as batches of receipts are lost.
 *
 * Subject `relink.ask.<consumer>`, a queue group of the consumer's processes; request and answer are
 * JSON: `{"link":"COMM-010","ids":["<event id>", …]}`, and
 * `{"receipts":[["<event id>","applied",5,0], …],"stream_idle":false}` as in a batch of receipts, or
 * `{"problem":"…"}`.
 */

import { messageOf } from '../../../runtime/errors.ts';
import {
  keepSubscribed,
  type NatsConnection,
  type StandingSubscription,
} from '../../../runtime/nats.ts';
import type { Receipt } from '../../wire/receipt.ts';
import { readReceipt, type WrittenReceipt, writeReceipt } from './receipts.ts';

/** What a consumer knows of messages. */
export interface Known {
  readonly receipts: readonly Receipt[];
  /** The stream holds nothing more for the consumer. */
  readonly isStreamIdle: boolean;
}

export type AnswerReceipts = (link: string, eventIds: readonly string[]) => Promise<Known>;

interface Written {
  readonly receipts?: WrittenReceipt[];
  readonly stream_idle?: boolean;
  readonly problem?: string;
}

export function askSubject(consumer: string): string {
  return `relink.ask.${consumer}`;
}

/** Rejects when no process of the consumer answers in time, or it cannot tell. */
export async function askOverNats(
  nats: NatsConnection,
  { link, consumer }: { readonly link: string; readonly consumer: string },
  eventIds: readonly string[],
  timeoutMs: number,
): Promise<Known> {
  const body = JSON.stringify({ link, ids: eventIds });
  const answer = await nats.request(askSubject(consumer), body, { timeout: timeoutMs });
  const { receipts, stream_idle, problem } = answer.json<Written>();
  if (!receipts) throw new Error(`${consumer} cannot tell: ${problem || 'no receipts'}`);
  return { receipts: receipts.map(readReceipt), isStreamIdle: stream_idle === true };
}

/** Answers for this process of the consumer; what cannot be read or sent goes to `onProblem`. */
export function answerOverNats(
  nats: NatsConnection,
  consumer: string,
  answer: AnswerReceipts,
  onProblem: (problem: unknown) => void,
): StandingSubscription {
  const written = async (text: string): Promise<Written> => {
    try {
      const { link, ids } = readQuestion(text);
      const { receipts, isStreamIdle } = await answer(link, ids);
      return { receipts: receipts.map(writeReceipt), stream_idle: isStreamIdle };
    } catch (error) {
      return { problem: messageOf(error) };
    }
  };
  return keepSubscribed(
    nats,
    askSubject(consumer),
    (message) => {
      written(message.string())
        .then((body) => message.respond(JSON.stringify(body)))
        .catch(onProblem);
    },
    onProblem,
    { queue: consumer },
  );
}

function readQuestion(text: string): { link: string; ids: string[] } {
  const { link, ids } = JSON.parse(text) as { link?: unknown; ids?: unknown };
  if (typeof link !== 'string' || !Array.isArray(ids) || !ids.every((id) => typeof id === 'string'))
    throw new Error('a question has link, and ids, which are strings');
  return { link, ids };
}
