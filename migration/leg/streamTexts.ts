/** What the streams of the links still hold: messages are kept for a day after they were settled. */
import type { JetStreamManager } from '@nats-io/jetstream';
import { turns } from '../../link/erasing/turns.ts';
import { readStream } from '../../link/transport/jetStream/provision.ts';
import { forEachAtOnce } from '../../runtime/atOnce.ts';
import { StepProblem } from '../errors.ts';
import type { RunRecord } from '../run/record.ts';
import { stepPause } from '../stepPause.ts';
import { againOf, type ErasingContext } from './phrases.ts';

const FETCHED_AT_ONCE = 500;
const FETCH_MS = 2_000;
const POLL_MS = 200;
/** A server overwrites one after another; this hides the way there and back. */
const ERASED_AT_ONCE = 32;

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

/**
 * Every message that the stream holds now, oldest first; whoever searches them gives way in between.
 * How far it got is observed as `what`.
 */
export async function* readMessages(
  { streams, observe }: Pick<ErasingContext, 'streams' | 'observe'>,
  stream: string,
  what: string,
): AsyncGenerator<StoredMessage> {
  const manager = await streams.manager();
  const { state } = await manager.streams.info(stream);
  if (state.messages === 0) return;
  const consumer = await manager.jetstream().consumers.get(stream, {});
  const turn = turns();
  for (let seq = 0, read = 0; seq < state.last_seq; ) {
    const before = seq;
    const batch = await consumer.fetch({ max_messages: FETCHED_AT_ONCE, expires: FETCH_MS });
    for await (const message of batch) {
      seq = message.seq;
      read += 1;
      yield { seq, subject: message.subject, text: textOf(message) };
      await turn();
      // What came meanwhile is not waited for, nor are the messages that a fetch may still bring.
      if (seq >= state.last_seq || message.info.pending === 0) return;
    }
    if (seq === before) return; // the rest has expired meanwhile
    await observe(what, `${read} of ${state.messages} messages read`);
  }
}

function textOf(message: { headers?: Iterable<[string, string[]]>; string(): string }): string {
  const headers = [...(message.headers ?? [])].map(([name, values]) => `${name}: ${values.join()}`);
  return [...headers, message.string()].join('\n');
}

/**
 * Removes messages from their stream and overwrites them on the server's disk. They must have been
 * settled by every consumer: waits for those that are not there yet.
 * @throws StepProblem when one does not get there
 */
export async function eraseMessages(
  context: ErasingContext,
  stream: string,
  seqs: readonly number[],
): Promise<void> {
  const { streams, run, signal } = context;
  const untilMs = performance.now() + run.settings.patience_seconds * 1_000;
  for (let left = seqs; left.length > 0; ) {
    const manager = await streams.manager();
    const { floor, late } = await findLatest(manager, stream);
    const settled = left.filter((seq) => seq <= floor);
    await forEachAtOnce(settled, ERASED_AT_ONCE, (seq) => eraseMessage(manager, stream, seq));
    left = left.filter((seq) => seq > floor);
    if (left.length === 0) return;
    if (performance.now() > untilMs)
      throw new StepProblem(
        'stop',
        `message ${left[0]} of the stream ${stream} has to be erased, and ${late} has not settled it; ` +
          `see relink link ${stream}, then ${againOf(run)}`,
      );
    await stepPause(POLL_MS, signal);
  }
}

/** One that is gone meanwhile, by its age or to make room, is erased. */
async function eraseMessage(manager: JetStreamManager, stream: string, seq: number) {
  try {
    await manager.streams.deleteMessage(stream, seq, true);
  } catch (error) {
    if (await manager.streams.getMessage(stream, { seq })) throw error;
  }
}

/** Up to where every durable consumer has settled everything, and who is the last. */
async function findLatest(manager: JetStreamManager, stream: string) {
  let latest = { floor: Number.POSITIVE_INFINITY, late: '' };
  for await (const { name, config, ack_floor } of manager.consumers.list(stream))
    if (config.durable_name && ack_floor.stream_seq < latest.floor)
      latest = { floor: ack_floor.stream_seq, late: name };
  return latest;
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
