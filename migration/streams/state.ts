/** What is on a link's stream now. */
import type { JetStreamManager } from '@nats-io/jetstream';
import { readStream } from '../../link/transport/jetStream/provision.ts';

export interface StreamState {
  readonly messages: number;
  readonly lastSeq: number;
  readonly consumers: readonly { name: string; pending: number; ackPending: number }[];
}

/** Names of the durable consumers of a stream, whoever made them. */
export async function listDurables(manager: JetStreamManager, link: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, config } of manager.consumers.list(link))
    if (config.durable_name) names.push(name);
  return names;
}

/** JetStream's own counters, for people; a migration never relies on them alone. */
export async function readStreamState(
  manager: JetStreamManager,
  link: string,
): Promise<StreamState | undefined> {
  const stream = await readStream(manager, link);
  if (!stream) return undefined;
  const consumers = [];
  for await (const info of manager.consumers.list(link))
    consumers.push({
      name: info.name,
      pending: info.num_pending,
      ackPending: info.num_ack_pending,
    });
  return { messages: stream.state.messages, lastSeq: stream.state.last_seq, consumers };
}
