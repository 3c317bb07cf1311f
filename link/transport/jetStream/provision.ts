/**
 * Streams and durable consumers. The operator alone makes and changes them, also those that a broker
 * lost; services bind to what they find, because a `create` with another configuration would silently
 * update what is there.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';

const NANOS_PER_MS = 1_000_000;
/** JetStream's error: replicas > 1 not supported in non-clustered mode. */
const NOT_CLUSTERED = 10_074;
/** JetStream's error: insufficient storage resources available. */
const NO_STORAGE = 10_047;
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
/** A broker sets that much of its disk aside for each stream. */
const DEFAULT_MAX_BYTES = 512 * 1_024 * 1_024;
/** What a cluster gives a stream, unless its link demands more. */
const CLUSTER_REPLICAS = 3;

/** What a link demands of its stream; 0 is the default. */
export interface StreamDemand {
  readonly replicas?: number;
  readonly maxBytes?: number;
}

/** How a link's stream is to be; `num_replicas` at least. A full stream refuses what is new: it is open still. */
export function wantedStream(link: string, { replicas, maxBytes }: StreamDemand = {}) {
  return {
    name: link,
    subjects: [`${link}.>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_age: MAX_AGE_MS * NANOS_PER_MS,
    max_bytes: maxBytes || DEFAULT_MAX_BYTES,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_msg_size: -1,
    no_ack: false,
    duplicate_window: DUPLICATE_WINDOW_MS * NANOS_PER_MS,
    num_replicas: replicas || 1,
  } satisfies Partial<StreamConfig>;
}

/** How the durable consumer of a service is to be. */
export function wantedConsumer(service: string) {
  return {
    durable_name: service,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ACK_WAIT_MS * NANOS_PER_MS,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    max_deliver: -1,
    max_ack_pending: MAX_ACK_PENDING,
  } satisfies Partial<ConsumerConfig>;
}

/** Creates the link's stream if it is missing. Safe to repeat; what exists is not changed. */
export async function ensureStream(
  manager: JetStreamManager,
  link: string,
  demand: StreamDemand = {},
): Promise<void> {
  if (await readStream(manager, link)) return;
  const config = wantedStream(link, demand);
  const num_replicas = Math.max(CLUSTER_REPLICAS, config.num_replicas);
  try {
    await manager.streams.add({ ...config, num_replicas });
  } catch (error) {
    // Only a standalone server may have one replica; a cluster that lacks a node must not get
    // fewer.
    if (!isRefusedWith(error, NOT_CLUSTERED)) throw explained(error, config);
    await manager.streams.add({ ...config, num_replicas: 1 }).catch((again) => {
      throw explained(again, config);
    });
  }
}

function isRefusedWith(error: unknown, code: number): error is JetStreamApiError {
  return error instanceof JetStreamApiError && error.code === code;
}

function explained(error: unknown, { name, max_bytes }: Pick<StreamConfig, 'name' | 'max_bytes'>) {
  if (!isRefusedWith(error, NO_STORAGE)) return error;
  return new Error(
    `the NATS server has no ${max_bytes} bytes of storage left for the stream ${name}: give it more ` +
      '(max_file_store), or the link less (stream.maxBytes in the map of links)',
    { cause: error },
  );
}

/** Creates the durable consumer of a service on the link's stream if it is missing. */
export async function ensureConsumer(
  manager: JetStreamManager,
  link: string,
  service: string,
): Promise<void> {
  if (await readConsumer(manager, link, service)) return;
  await manager.consumers.add(link, wantedConsumer(service));
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

/** 404: no such stream or consumer. */
async function orMissing<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}
