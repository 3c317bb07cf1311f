/** Where a link's stream or a durable consumer on it is not as the map of links wants it. */
import type { ConsumerInfo, JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import type { LinkDescription } from '../../gen/relink/v1/participant_pb.ts';
import {
  readConsumer,
  readStream,
  type StreamDemand,
  wantedConsumer,
  wantedStream,
} from '../../link/transport/jetStream/provision.ts';

export interface StreamDifference {
  /** The durable consumer's name; empty for the stream itself. */
  readonly durable: string;
  readonly field: string;
  readonly wanted: string;
  readonly found: string;
}

/** What a broker does not change while the stream or the durable consumer exists. */
const FIXED: readonly string[] = [
  'storage',
  'retention',
  'ack_policy',
  'deliver_policy',
  'replay_policy',
];
/** What nobody wants of a durable consumer: each hides messages from it, or ends it. */
const UNWANTED = ['filter_subject', 'filter_subjects', 'inactive_threshold', 'backoff'] as const;

/** A link as its producer describes it; one of a build of before demands the defaults. */
export type DemandingLink = Pick<
  LinkDescription,
  'id' | 'consumers' | 'streamReplicas' | 'streamMaxBytes'
>;

export function demandOf({ streamReplicas, streamMaxBytes }: DemandingLink): StreamDemand {
  return { replicas: streamReplicas, maxBytes: Number(streamMaxBytes) };
}

/** Everything that differs; nothing where there is no stream, which whoever needs it makes. */
export async function findDifferences(
  manager: JetStreamManager,
  link: DemandingLink,
): Promise<StreamDifference[]> {
  const stream = await readStream(manager, link.id);
  if (!stream) return [];
  const durables = await Promise.all(
    link.consumers.map((consumer) => readConsumer(manager, link.id, consumer)),
  );
  return [
    ...ofStream(stream, link),
    ...durables.flatMap((durable) => (durable ? ofDurable(durable) : [])),
  ];
}

function ofStream({ config }: StreamInfo, link: DemandingLink): StreamDifference[] {
  const { num_replicas: replicas, ...wanted } = wantedStream(link.id, demandOf(link));
  const differing = compare('', wanted, config);
  if (config.num_replicas >= replicas) return differing;
  const found = String(config.num_replicas);
  return [...differing, { durable: '', field: 'num_replicas', wanted: String(replicas), found }];
}

function ofDurable({ name, config }: ConsumerInfo): StreamDifference[] {
  const unwanted = Object.fromEntries(UNWANTED.map((field) => [field, undefined]));
  const wanted = { ...unwanted, headers_only: false, ...wantedConsumer(name) };
  return compare(name, wanted, config);
}

function compare(durable: string, wanted: object, config: object): StreamDifference[] {
  return Object.entries(wanted)
    .map(([field, value]) => ({
      ...{ durable, field, wanted: tell(field, value) },
      found: tell(field, (config as Record<string, unknown>)[field]),
    }))
    .filter((one) => one.wanted !== one.found);
}

/** Of what the server leaves out: no filter, no backoff, nothing switched on. */
const ABSENT: Readonly<Record<string, unknown>> = {
  no_ack: false,
  headers_only: false,
  inactive_threshold: 0,
};
/** In JetStream's nanoseconds. */
const TIMES: readonly string[] = ['max_age', 'duplicate_window', 'ack_wait', 'inactive_threshold'];

function tell(field: string, value: unknown = ABSENT[field]): string {
  if (value === undefined || value === '') return 'none';
  if (TIMES.includes(field)) return `${Number(value) / 1e9} s`;
  return Array.isArray(value) ? value.join(', ') || 'none' : String(value);
}

/** `the stream COMM-010 has discard old instead of new`. */
export function describeDifference(link: string, one: StreamDifference): string {
  const where = one.durable
    ? `the durable consumer ${one.durable} of ${link}`
    : `the stream ${link}`;
  return `${where} has ${one.field} ${one.found} instead of ${one.wanted}`;
}

export function isFixed({ field }: StreamDifference): boolean {
  return FIXED.includes(field);
}

export function isOfReplicas({ field }: StreamDifference): boolean {
  return field === 'num_replicas';
}
