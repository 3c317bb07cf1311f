/**
 * Streams and durable consumers. The operator provisions them; services bind to what they find,
 * because a `create` with another configuration would silently update what is there. Only what a
 * broker lost is made again by the service that listens to it.
 */
import {
  AckPolicy,
  type ConsumerInfo,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamInfo,
} from '@nats-io/jetstream';

const NANOS_PER_MS = 1_000_000;
/** JetStream's error: replicas > 1 not supported in non-clustered mode. */
const NOT_CLUSTERED = 10_074;
/**
 * Within this time JetStream drops a repeated message id. It costs memory per id, so no longer than
 * needed.
 */
export const DUPLICATE_WINDOW_MS = 120_000;
/**
 * How long messages of a consumer that died wait for redelivery. Slow handlers are not affected: a
 * live process reports messages that it still works on.
 */
export const ACK_WAIT_MS = 5_000;
/** The most unacknowledged messages of a consumer, over all its processes. */
const MAX_ACK_PENDING = 10_000;
/** Messages are kept a day, for people to look at; open ones are in the outbox anyway. */
const MAX_AGE_MS = 24 * 60 * 60 * 1_000;

export interface StreamState {
  readonly messages: number;
  readonly lastSeq: number;
  readonly consumers: readonly { name: string; pending: number; ackPending: number }[];
}

/** Creates the link's stream if it is missing. Safe to repeat; what exists is not changed. */
export async function ensureStream(manager: JetStreamManager, link: string): Promise<void> {
  if (await readStream(manager, link)) return;
  const config = {
    name: link,
    subjects: [`${link}.>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_age: MAX_AGE_MS * NANOS_PER_MS,
    duplicate_window: DUPLICATE_WINDOW_MS * NANOS_PER_MS,
  };
  try {
    await manager.streams.add({ ...config, num_replicas: 3 });
  } catch (error) {
    // Only a standalone server may have one replica; a cluster that lacks a node must not get
    // fewer.
    if (!(error instanceof JetStreamApiError) || error.code !== NOT_CLUSTERED) throw error;
    await manager.streams.add({ ...config, num_replicas: 1 });
  }
}

/** Creates the durable consumer of a service on the link's stream if it is missing. */
export async function ensureConsumer(
  manager: JetStreamManager,
  link: string,
  service: string,
): Promise<void> {
  if (await readConsumer(manager, link, service)) return;
  await manager.consumers.add(link, {
    durable_name: service,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ACK_WAIT_MS * NANOS_PER_MS,
    max_deliver: -1,
    max_ack_pending: MAX_ACK_PENDING,
  });
}

/** Removes a durable consumer; returns whether there was one. */
export async function removeConsumer(
  manager: JetStreamManager,
  link: string,
  service: string,
): Promise<boolean> {
  if (!(await readConsumer(manager, link, service))) return false;
  return manager.consumers.delete(link, service);
}

/** Removes the link's stream; returns whether there was one. */
export async function removeStream(manager: JetStreamManager, link: string): Promise<boolean> {
  if (!(await readStream(manager, link))) return false;
  return manager.streams.delete(link);
}

export function readStream(
  manager: JetStreamManager,
  link: string,
): Promise<StreamInfo | undefined> {
  return orMissing(manager.streams.info(link));
}

/** For how long the stream keeps messages; 0 without a limit, undefined where there is no stream. */
export async function readMaxAgeMs(
  manager: JetStreamManager,
  link: string,
): Promise<number | undefined> {
  const stream = await readStream(manager, link);
  return stream && stream.config.max_age / NANOS_PER_MS;
}

export function readConsumer(
  manager: JetStreamManager,
  link: string,
  service: string,
): Promise<ConsumerInfo | undefined> {
  return orMissing(manager.consumers.info(link, service));
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

/** 404: no such stream or consumer. */
async function orMissing<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}
