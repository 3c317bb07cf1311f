/** What the streams of the links still hold: messages are kept for a day after they were settled. */
import type { JetStreamManager } from '@nats-io/jetstream';
import { turns } from '../../link/erasing/turns.ts';
import { readStream } from '../../link/transport/jetStream/provision.ts';
import { StepProblem } from '../errors.ts';
import type { RunRecord } from '../run/record.ts';
import { stepPause } from '../stepPause.ts';
import { againOf, type ErasingContext } from './phrases.ts';

const FETCHED_AT_ONCE = 500;
const FETCH_MS = 2_000;
const POLL_MS = 200;

export interface StoredMessage {
  readonly seq: number;
  readonly subject: string;
  /** Its headers and its body. */
  readonly text: string;
}

/**
 * The streams that there are, of all links of the company.
 * @throws StepProblem while a service does not say which links it has
 */
export async function listLinkStreams({
  participants,
  streams,
}: ErasingContext): Promise<string[]> {
  const { links, unanswered } = await participants.topology();
  if (unanswered.length > 0) {
    const away = [...new Set(unanswered.map(({ service }) => service))].join(', ');
    const message = `${away} did not say which links it has: their streams would be left out`;
    throw new StepProblem('stop', message, { isRepeatable: true });
  }
  const manager = await streams.manager();
  const found: string[] = [];
  for (const link of [...links.keys()].sort())
    if (await readStream(manager, link)) found.push(link);
  return found;
}

/** Every stream that the broker lets the operator see, whoever made it. */
export async function listAllStreams({ streams }: ErasingContext): Promise<string[]> {
  const names: string[] = [];
  for await (const { config } of (await streams.manager()).streams.list()) names.push(config.name);
  return names.sort();
}

/** Every message that the stream holds now, oldest first; whoever searches them gives way in between. */
export async function* readMessages(
  manager: JetStreamManager,
  stream: string,
): AsyncGenerator<StoredMessage> {
  const { state } = await manager.streams.info(stream);
  if (state.messages === 0) return;
  const consumer = await manager.jetstream().consumers.get(stream, {});
  const turn = turns();
  for (let seq = 0; seq < state.last_seq; ) {
    const before = seq;
    const batch = await consumer.fetch({ max_messages: FETCHED_AT_ONCE, expires: FETCH_MS });
    for await (const message of batch) {
      seq = message.seq;
      yield { seq, subject: message.subject, text: textOf(message) };
      await turn();
      // What came meanwhile is not waited for, nor are the messages that a fetch may still bring.
      if (seq >= state.last_seq || message.info.pending === 0) return;
    }
    if (seq === before) return; // the rest has expired meanwhile
  }
}

function textOf(message: { headers?: Iterable<[string, string[]]>; string(): string }): string {
  const headers = [...(message.headers ?? [])].map(([name, values]) => `${name}: ${values.join()}`);
  return [...headers, message.string()].join('\n');
}

/**
 * Removes a message from its stream and overwrites it on the server's disk. It must have been settled
 * by every consumer: waits for those that are not there yet.
 * @throws StepProblem when one does not get there
 */
export async function eraseMessage(
  context: ErasingContext,
  stream: string,
  seq: number,
): Promise<void> {
  const { streams, run, signal } = context;
  const untilMs = performance.now() + run.settings.patience_seconds * 1_000;
  for (;;) {
    const late = await findLate(await streams.manager(), stream, seq);
    if (late === undefined) break;
    if (performance.now() > untilMs)
      throw new StepProblem(
        'stop',
        `message ${seq} of the stream ${stream} has to be erased, and ${late} has not settled it; ` +
          `see relink link ${stream}, then ${againOf(run)}`,
      );
    await stepPause(POLL_MS, signal);
  }
  await (await streams.manager()).streams.deleteMessage(stream, seq, true);
}

async function findLate(manager: JetStreamManager, stream: string, seq: number) {
  for await (const { name, config, ack_floor } of manager.consumers.list(stream))
    if (config.durable_name && ack_floor.stream_seq < seq) return name;
  return undefined;
}

/** By its subject, `COMM-010.07.v0.ManagerCreated`, a message of the run's link in an older version. */
export function isOlder(
  { link, to }: Pick<RunRecord, 'link' | 'to'>,
  stream: string,
  subject: string,
): boolean {
  const version = /^[^.]+\.\d+\.v(\d+)\./.exec(subject)?.[1];
  return stream === link && version !== undefined && Number(version) < to.version;
}
