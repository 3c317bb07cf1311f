/** What one call of `Reconcile` is about: a page of one stage of one leg. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DifferenceSchema } from '../../gen/relink/v1/operator_pb.ts';
import type {
  DescribedLink,
  ParticipantClient,
  Participants,
} from '../../migration/participants.ts';
import { invalidField } from '../../rpc/errors.ts';

export type Difference = Omit<MessageInitShape<typeof DifferenceSchema>, '$typeName'>;

export interface Leg {
  readonly participants: Participants;
  readonly link: DescribedLink;
  readonly consumer: string;
}

export interface Reconciling extends Leg {
  readonly sinceMs: number;
  readonly isRepairing: boolean;
  readonly actor: string;
}

export interface ComparedPage {
  readonly differences: readonly Difference[];
  readonly compared: number;
  /** Where the stage goes on; undefined at its end. */
  readonly next?: string | undefined;
}

/** Compares a page; `after` is empty to begin. */
export type Stage = (
  of: Reconciling,
  lanes: readonly number[],
  after: string,
) => Promise<ComparedPage>;

export function sidesOf({ participants, link, consumer }: Leg): {
  leg: { link: string; consumer: string };
  producer: ParticipantClient;
  consumer: ParticipantClient;
} {
  const { id, producer } = link.producer;
  return {
    leg: { link: id, consumer },
    producer: participants.of(producer),
    consumer: participants.of(consumer),
  };
}

/** Where a leg's comparison stands, as its caller gives it back. */
export interface Place {
  readonly stage: string;
  /** Lanes whose digests differed when the comparison began. */
  readonly lanes: readonly number[];
  readonly after: string;
}

/** `lost 000f 0190…`: the stage, a bit for each lane, and where the stage goes on. */
export function writePlace({ stage, lanes, after }: Place): string {
  const mask = lanes.reduce((bits, lane) => bits | (1 << lane), 0);
  return `${stage} ${mask.toString(16).padStart(4, '0')} ${after}`;
}

/** @throws RpcError INVALID_ARGUMENT */
export function readPlace(text: string, stages: readonly string[]): Place {
  const [, stage = '', mask = '', after = ''] = /^(\w+) ([0-9a-f]{4}) (.*)$/.exec(text) ?? [];
  if (!stages.includes(stage))
    throw invalidField('after', 'must be next of the page before, or empty to begin');
  const bits = Number.parseInt(mask, 16);
  const lanes = Array.from({ length: 16 }, (_, lane) => lane).filter((lane) => bits & (1 << lane));
  return { stage, lanes, after };
}
